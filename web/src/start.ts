import type { Model } from './asking.ts'
import type { PlaceName } from './place.ts'
import { type PresetName, presetNames } from './presets.ts'

/** What a link opens the app for. Handles and public terms, never a question: links are seen by others. */
export type Start =
  | { readonly do: 'model'; readonly handle: string }
  | { readonly do: 'preset'; readonly name: PresetName }
  | { readonly do: 'open'; readonly place: PlaceName }
  | { readonly do: 'new' }

const openable: readonly PlaceName[] = ['chats', 'settings', 'privacy', 'terms', 'network', 'provide']

/** `model_qwen3-8b`, `do_translate`, `open_settings`, `new`. Null for anything else: an unknown link opens the chat. */
export function readStart(parameter: string | null): Start | null {
  const [, verb, rest = ''] = /^(model|do|open|new)(?:_([\w-]*))?$/.exec(parameter ?? '') ?? []
  if (verb === 'new') return { do: 'new' }
  if (verb === 'model' && rest !== '') return { do: 'model', handle: rest }
  const name = presetNames.find((one) => one === rest)
  if (verb === 'do' && name) return { do: 'preset', name }
  const place = openable.find((one) => one === rest)
  return verb === 'open' && place ? { do: 'open', place } : null
}

/** A start parameter holds no dots and slashes: a model's id is compared without them. */
export function modelOf(models: readonly Model[], handle: string): Model | undefined {
  const plain = (id: string) => id.replace(/[^\w-]/g, '-').toLowerCase()
  return models.find(({ id }) => plain(id) === handle.toLowerCase())
}

const DONE = 'cocoon.started'

/** A link is followed once: not again when the page is loaded anew in the same window. */
export function startOnce(parameter: string | null): Start | null {
  try {
    if (parameter === null || sessionStorage.getItem(DONE) === parameter) return null
    sessionStorage.setItem(DONE, parameter)
  } catch {
    // Storage may be switched off; then it is followed again.
  }
  return readStart(parameter)
}
