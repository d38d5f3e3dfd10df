import type { KeptAnswer } from './asking.ts'
import type { Summary } from './summary.ts'
import type { Turn } from './turn.ts'
import type { Entry, Place } from './vault.ts'

/** What an entry of the history holds, once it is opened. Every kind is JSON with a version; an unknown one is passed over. */
export type Found =
  | { readonly kind: 'conversation'; readonly place: Place; readonly summary: Summary }
  | { readonly kind: 'turn'; readonly place: Place; readonly turn: StoredTurn }
  | { readonly kind: 'answer'; readonly place: Place; readonly kept: KeptAnswer }

/** Turns that were stored before there were branches and times lack both. */
export type StoredTurn = Omit<Turn, 'parent'> & { readonly parent?: number | null }

/** What belongs to no conversation stands under this name. */
export const SHELF = ''

const VERSION = 1
type Content = Uint8Array<ArrayBuffer>

const encode = (value: object): Content => new TextEncoder().encode(JSON.stringify({ version: VERSION, ...value }))

export function writeHead(summary: Summary): Content {
  const { opened, changed, title, named, preview, standing, leaf } = summary
  return encode({ opened, changed, title, named, preview, standing, leaf })
}

export const writeNote = (text: string): Content => encode({ text })

/** A short text of the person's own: a saved prompt, or what every answer should heed. Null for what is none. */
export function readNote({ content }: Entry): string | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(content ?? undefined)) as { version?: unknown; text?: unknown }
    return value.version === VERSION && typeof value.text === 'string' ? value.text : null
  } catch {
    return null
  }
}

export function writeTurn(turn: Turn): Content {
  const { end } = turn.answer
  return encode({ turn: { ...turn, answer: { ...turn.answer, end: end && { ...end, cost: end.cost.toString() } } } })
}

export function writeAnswer({ bytes, ...kept }: KeptAnswer): Content {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return encode({ kept: { ...kept, bytes: btoa(binary) } })
}

/** Null for what this version does not know. */
export function readEntry({ place, content }: Entry): Found | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(content ?? undefined)) as {
      version?: unknown
      opened: number
      turn: StoredTurn & { answer: { end: { cost: string } | null } }
      kept: Omit<KeptAnswer, 'bytes'> & { bytes: string }
    }
    if (value.version !== VERSION) return null
    switch (place[2]) {
      case 'conversation': {
        const head = value as unknown as Partial<Summary> & { opened: number }
        const { opened, changed = opened, title = '', named = false, preview = '', standing = null, leaf = null } = head
        return {
          kind: 'conversation',
          place,
          summary: { id: place[1], opened, changed, title, named, preview, standing, leaf },
        }
      }
      case 'turn': {
        const { turn } = value
        const { end } = turn.answer
        return {
          kind: 'turn',
          place,
          turn: {
            ...turn,
            at: turn.at ?? 0,
            answer: { ...turn.answer, end: end && { ...end, cost: BigInt(end.cost) } },
          },
        }
      }
      case 'answer': {
        const bytes = Uint8Array.from(atob(value.kept.bytes), (char) => char.charCodeAt(0))
        return { kind: 'answer', place, kept: { ...value.kept, bytes } }
      }
      default:
        return null
    }
  } catch {
    return null
  }
}
