import type { KeptAnswer } from './asking.ts'
import type { Turn } from './turn.ts'
import type { Entry, Place } from './vault.ts'

/** What an entry of the history holds, once it is opened. Every kind is JSON with a version; an unknown one is passed over. */
export type Found =
  | { readonly kind: 'conversation'; readonly place: Place; readonly opened: number }
  | { readonly kind: 'turn'; readonly place: Place; readonly turn: Turn }
  | { readonly kind: 'answer'; readonly place: Place; readonly kept: KeptAnswer }

const VERSION = 1
type Content = Uint8Array<ArrayBuffer>

const encode = (value: object): Content => new TextEncoder().encode(JSON.stringify({ version: VERSION, ...value }))

/** `opened`: Unix milliseconds. */
export const writeHead = (opened: number): Content => encode({ opened })

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
      turn: Turn & { answer: { end: { cost: string } | null } }
      kept: Omit<KeptAnswer, 'bytes'> & { bytes: string }
    }
    if (value.version !== VERSION) return null
    switch (place[2]) {
      case 'conversation':
        return { kind: 'conversation', place, opened: value.opened }
      case 'turn': {
        const { turn } = value
        const { end } = turn.answer
        return {
          kind: 'turn',
          place,
          turn: { ...turn, answer: { ...turn.answer, end: end && { ...end, cost: BigInt(end.cost) } } },
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
