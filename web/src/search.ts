import { spoken } from './summary.ts'
import type { Turn } from './turn.ts'

/** Letters on each side of what was found. */
const BEFORE = 24
const AFTER = 90

/** As people compare: without case, accents and the two ways of writing them. */
export function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
}

/** The words around the first place found; null where not every word of `query` is there. */
export function found(query: string, title: string, turns: readonly Turn[]): string | null {
  const terms = folded(query).split(/\s+/).filter(Boolean)
  if (terms.length === 0) return null
  const texts = [title, ...turns.flatMap(({ question, answer }) => [question, spoken(answer.text)])]
  const all = texts.map(folded)
  if (!terms.every((term) => all.some((text) => text.includes(term)))) return null
  const first = terms[0] ?? ''
  const index = all.findIndex((text, at) => at > 0 && text.includes(first))
  const text = texts[index]
  const place = all[index]?.indexOf(first)
  if (text === undefined || place === undefined) return ''
  const start = Math.max(0, place - BEFORE)
  const line = text
    .slice(start, place + AFTER)
    .replace(/\s+/g, ' ')
    .trim()
  return `${start > 0 ? '…' : ''}${line}`
}
