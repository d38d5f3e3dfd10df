import { useEffect, useMemo, useState } from 'react'
import { Announcer } from './announcer.ts'
import { isRunning, type Turn } from './turn.ts'
import { words } from './words/words.ts'

let say: (text: string) => void = () => {}
/** Says one thing to screen readers. */
export const announce = (text: string): void => say(text)

/** Speaks for the eyes: the state of the last answer as it changes, its text by sentence. */
export function Announcements({ turn }: { readonly turn: Turn | undefined }) {
  const id = turn?.id
  // One for each answer.
  const announcer = useMemo(() => (id === undefined ? null : new Announcer(announce)), [id])
  const [text, setText] = useState('')
  useEffect(() => {
    // The same words twice are silent unless they differ.
    say = (next) => setText((before) => (before === next ? `${next}\u00A0` : next))
    return () => {
      say = () => {}
    }
  }, [])

  useEffect(() => () => announcer?.end(), [announcer])
  const answer = turn?.answer
  const phase = answer?.phase
  const lost = answer?.lost ?? false
  useEffect(() => {
    if (lost) announce(words.lost)
    else if (phase === 'waiting' || phase === 'sealed' || phase === 'stopped' || phase === 'checking')
      announce(words.status[phase])
  }, [phase, lost])
  useEffect(() => {
    if (announcer && answer && answer.text !== '') announcer.push(answer.text, !isRunning(answer))
  }, [announcer, answer])

  return (
    <div className="unseen" role="status" aria-live="polite">
      {text}
    </div>
  )
}
