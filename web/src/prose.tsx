import { memo, useEffect, useMemo, useSyncExternalStore } from 'react'
import { Listing } from './listing.tsx'
import type { Block } from './markdown.ts'

type Markdown = typeof import('./markdown.ts')

let markdown: Markdown | null = null
let loading: Promise<void> | null = null
const waiting = new Set<() => void>()

/** Loads the parser ahead of need; until it is there answers are plain text. */
export function loadMarkdown(): Promise<void> {
  loading ??= load()
  return loading
}

async function load(): Promise<void> {
  try {
    markdown = await import('./markdown.ts')
    for (const listener of waiting) listener()
  } catch {
    loading = null // Offline perhaps: the next answer tries again.
  }
}

const subscribe = (listener: () => void) => {
  waiting.add(listener)
  return () => waiting.delete(listener)
}

/** An answer's text. Blocks that are complete are left alone while the last one grows: nothing flashes, selections hold. */
export function Prose({ text, streaming }: { readonly text: string; readonly streaming: boolean }) {
  const parser = useSyncExternalStore(subscribe, () => markdown)
  useEffect(() => void loadMarkdown(), [])
  const blocks = useMemo(() => parser?.blocksOf(text, streaming) ?? null, [parser, text, streaming])
  const className = streaming ? 'prose streaming' : 'prose'
  if (!blocks) {
    return (
      <div className={className} dir="auto">
        <p className="plain">{text}</p>
      </div>
    )
  }
  return (
    <div className={className}>
      {blocks.map((block, index) => (
        <Shown key={index} block={block} />
      ))}
      {blocks.length === 0 && streaming && <p />}
    </div>
  )
}

const Shown = memo(
  function Shown({ block }: { readonly block: Block }) {
    if (block.kind === 'code') return <Listing language={block.language} code={block.code} />
    // Sanitised in markdown.ts, the only maker of blocks.
    return <div className="block" dir="auto" dangerouslySetInnerHTML={{ __html: block.html }} />
  },
  (before, after) => before.block.raw === after.block.raw && before.block.kind === after.block.kind,
)
