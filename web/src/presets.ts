import { words } from './words/words.ts'

/** What people do most, by the names that a start parameter may call them. */
export const presetNames = ['translate', 'summarise', 'rewrite', 'explain', 'correct'] as const
export type PresetName = (typeof presetNames)[number]

/** The composer with a preset before what is in it already. */
export function withPreset(name: PresetName, draft: string): string {
  return withPrompt(words.presets[name].text, draft)
}

export function withPrompt(prompt: string, draft: string): string {
  const text = draft.trim()
  return text === '' ? `${prompt}\n\n` : `${prompt}\n\n${text}`
}
