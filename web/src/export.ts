import { pathTo } from './branches.ts'
import type { Summary } from './summary.ts'
import type { Turn } from './turn.ts'
import { words } from './words/words.ts'

/** The branch on the screen, for people. */
export function asMarkdown(summary: Summary, turns: readonly Turn[]): string {
  const parts = pathTo(turns, summary.leaf).flatMap(({ question, answer, model }) => [
    `## ${words.question.label}\n\n${question}`,
    `## ${words.answer.label}${model ? ` (${model})` : ''}\n\n${answer.text || '—'}`,
  ])
  return `# ${summary.title}\n\n${parts.join('\n\n')}\n`
}

/** Every branch, for programs. Amounts are nanograms, as text; times are ISO 8601. */
export function asJson(conversations: readonly (readonly [Summary, readonly Turn[]])[]): string {
  const iso = (at: number) => new Date(at).toISOString()
  return JSON.stringify(
    {
      format: 'cocoon-conversations',
      version: 1,
      conversations: conversations.map(([summary, turns]) => ({
        title: summary.title,
        opened: iso(summary.opened),
        changed: iso(summary.changed),
        turns: turns.map(({ id, parent, at, question, model, answer }) => ({
          id,
          parent,
          asked: at > 0 ? iso(at) : null,
          question,
          model,
          answer: answer.text,
          ...(answer.reasoning === '' ? {} : { reasoning: answer.reasoning }),
          ended: answer.phase,
          machine: answer.node && { id: answer.node.nodeId, standing: answer.node.standing },
          cost: answer.end ? answer.end.cost.toString() : null,
          tokens: answer.end?.usage ?? null,
        })),
      })),
    },
    null,
    2,
  )
}

/** A name that every file system takes. */
export function fileName(title: string, ending: 'md' | 'json'): string {
  const plain = title
    .replace(/[^\p{L}\p{N} _-]+/gu, '')
    .trim()
    .slice(0, 60)
    .trim()
  return `${plain || 'cocoon'}.${ending}`
}

/** Hands a file over: to the phone's share screen where there is one, else as a download. */
export async function handOver(name: string, text: string): Promise<void> {
  const type = name.endsWith('.json') ? 'application/json' : 'text/markdown'
  const file = new File([text], name, { type })
  if (matchMedia('(pointer: coarse)').matches && navigator.canShare?.({ files: [file] })) {
    try {
      await navigator.share({ files: [file] })
      return
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return
    }
  }
  const address = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
