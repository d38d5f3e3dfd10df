import { memo, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { Listing } from './listing.tsx'
import type { Block } from './markdown.ts'
import { hasMath } from './math-marks.ts'

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
  const math = useMath(text)
  useEffect(() => void loadMarkdown(), [])
  // Another reader once formulas can be drawn: everything is read anew.
  const reader = useMemo(() => (parser ? { read: new parser.GrowingText(), math } : null), [parser, math])
  const blocks = useMemo(() => reader?.read.blocks(text, streaming) ?? null, [reader, text, streaming])
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
        <Shown key={index} block={block} math={math} />
      ))}
      {blocks.length === 0 && streaming && <p />}
    </div>
  )
}

const Shown = memo(
  function Shown({ block }: { readonly block: Block; readonly math: boolean }) {
    if (block.kind === 'code') return <Listing language={block.language} code={block.code} />
    // Sanitised in markdown.ts, the only maker of blocks.
    return <div className="block" dir="auto" dangerouslySetInnerHTML={{ __html: block.html }} />
  },
  (before, after) =>
    before.block.raw === after.block.raw && before.block.kind === after.block.kind && before.math === after.math,
)

let formulas = false

/** Whether formulas are drawn; what draws them is loaded with the first one. */
function useMath(text: string): boolean {
  const [ready, setReady] = useState(formulas)
  const wanted = !ready && hasMath(text)
  useEffect(() => {
    if (!wanted) return undefined
    let current = true
    const prepare = async () => {
      try {
        await (await import('./math.ts')).loadMath()
        formulas = true
        if (current) setReady(true)
      } catch {
        // Offline perhaps: the source of a formula reads well enough.
      }
    }
    void prepare()
    return () => {
      current = false
    }
  }, [wanted])
  return ready
}
