import { en, type Words } from './en.ts'

/** The language in use. Others will be loaded here, typed as `Words`. */
export const words: Words = en
