// The seven emotions in the order of the server's messages, and how they are written for people.

export const EMOTIONS = ['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'];
export const MODALITIES = ['voice', 'face', 'fused'];

// A guess whose best share is below this is given no label. The limit is chosen, not measured; it is
// rounded as the history rounds shares, so that all parts of the page draw the line at the same place.
const UNCERTAIN_BELOW = Math.fround(0.35);
export const UNCERTAIN = 'uncertain';

/** What a guess with this best share is called: its label, or that there is none to give. */
export const calledBy = (label, share) => (share < UNCERTAIN_BELOW ? UNCERTAIN : label);

export const capitalised = (word) => word.charAt(0).toUpperCase() + word.slice(1);
export const percent = (share) => `${Math.round(share * 100)} %`;

/** The index of the greatest of some numbers. */
export const indexOfGreatest = (numbers) => numbers.reduce((best, each, index) => (each > numbers[best] ? index : best), 0);
