/** Choices that are no secret: they stay in this browser, outside of the encrypted history. */
export interface Preferences {
  readonly language: 'auto' | 'en' | 'ru'
  /** Inside Telegram: as much screen as it gives. */
  readonly fullscreen: boolean
}

const SLOT = 'cocoon.preferences'
const usual: Preferences = { language: 'auto', fullscreen: false }

export function readPreferences(): Preferences {
  try {
    const stored = JSON.parse(localStorage.getItem(SLOT) ?? '{}') as Partial<Record<keyof Preferences, unknown>>
    const language = stored.language === 'en' || stored.language === 'ru' ? stored.language : 'auto'
    return { language, fullscreen: stored.fullscreen === true }
  } catch {
    return usual // Storage may be switched off.
  }
}

export function writePreferences(change: Partial<Preferences>): Preferences {
  const preferences = { ...readPreferences(), ...change }
  try {
    localStorage.setItem(SLOT, JSON.stringify(preferences))
  } catch {
    // As above: the choice then lives as long as the page.
  }
  return preferences
}

/** Forgets every choice. */
export function forgetPreferences(): void {
  try {
    localStorage.removeItem(SLOT)
  } catch {
    // As above.
  }
}
