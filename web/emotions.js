// The seven emotions in the order of the server's messages, and how they are written for people.

export const EMOTIONS = ['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'];
export const MODALITIES = ['voice', 'face', 'fused'];

export const capitalised = (word) => word.charAt(0).toUpperCase() + word.slice(1);
export const percent = (share) => `${Math.round(share * 100)} %`;

/** The index of the greatest of some numbers. */
export const indexOfGreatest = (numbers) => numbers.reduce((best, each, index) => (each > numbers[best] ? index : best), 0);
