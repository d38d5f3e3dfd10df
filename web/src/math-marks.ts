/** Whether a text may hold a formula: a cheap look, before anything is loaded. */
export const hasMath = (text: string): boolean => /\$[^\s$]|\$\$|\\\(|\\\[/.test(text)
