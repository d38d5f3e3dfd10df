import { en, type Words } from './en.ts'

export type Language = 'en' | 'ru'

/** The words of the language in use. Read when something is drawn, never before: the language may change. */
export let words: Words = en

const listeners = new Set<() => void>()
export const onLanguage = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const language = (): Language => words.language

/** Every tag of a language we do not speak is English. */
export function languageOf(tag: string | null | undefined): Language {
  return /^(?:ru|be|kk|ky)\b/i.test(tag ?? '') ? 'ru' : 'en'
}

/** Stays with the words there are when the others do not load. */
export async function speak(chosen: Language): Promise<void> {
  const next =
    chosen === 'ru'
      ? await import('./ru.ts').then(
          ({ ru }) => ru,
          () => words,
        )
      : en
  document.documentElement.lang = next.language
  if (next === words) return
  words = next
  for (const listener of listeners) listener()
}
