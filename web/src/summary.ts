import type { NodeView } from './asking.ts'
import { isRunning, type Turn } from './turn.ts'

/** What a list shows of a conversation. */
export interface Summary {
  readonly id: string
  /** Unix milliseconds. */
  readonly opened: number
  readonly changed: number
  readonly title: string
  /** The person gave it its title. */
  readonly named: boolean
  readonly preview: string
  /** What its last machine was. */
  readonly standing: NodeView['standing'] | null
  /** The turn at the end of the branch on the screen. */
  readonly leaf: number | null
}

const TITLE_LENGTH = 60
const PREVIEW_LENGTH = 120

/** What the list says after a change: the first question is the title, the last words are the preview. */
export function summarised(before: Summary | null, id: string, path: readonly Turn[], now: number): Summary {
  const last = path.at(-1)
  // What is still being said would change the list with every word.
  const said = last && !isRunning(last.answer) ? spoken(last.answer.text) : ''
  return {
    id,
    opened: before?.opened ?? now,
    changed: path.reduce((latest, turn) => Math.max(latest, turn.at), 0) || now,
    title: before?.named ? before.title : shortened(path[0]?.question ?? '', TITLE_LENGTH),
    named: before?.named ?? false,
    preview: shortened(said || (last?.question ?? ''), PREVIEW_LENGTH),
    standing: path.findLast(({ answer }) => answer.node)?.answer.node?.standing ?? null,
    leaf: last?.id ?? null,
  }
}

/** Marks of markdown are for a reader who sees them drawn. */
export function spoken(markdown: string): string {
  return (
    markdown
      .replace(/```[^\n]*/g, ' ')
      // The rule of a table, and then its walls.
      .replace(/^[\s|:-]{3,}$/gm, ' ')
      .replace(/\|/g, ' ')
      .replace(/[*_`#>|]+/g, '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/\s+/g, ' ')
      .trim()
  )
}

/** One line, cut at a word where one ends near. */
export function shortened(text: string, most: number): string {
  const line = text
    .slice(0, most * 4)
    .replace(/\s+/g, ' ')
    .trim()
  const letters = Array.from(line)
  if (letters.length <= most) return line
  const cut = letters.slice(0, most).join('')
  const word = cut.lastIndexOf(' ')
  return `${(word > most / 2 ? cut.slice(0, word) : cut).replace(/[\s,.;:–—-]+$/, '')}…`
}
