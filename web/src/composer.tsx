import { type KeyboardEvent, type RefObject, useLayoutEffect } from 'react'
import type { ChatState } from './chat-state.ts'
import { Icon } from './icon.tsx'
import { loadMarkdown } from './prose.tsx'
import { words } from './words/words.ts'

export interface ComposerProps {
  readonly state: ChatState
  readonly running: boolean
  /** On a touch keyboard Enter makes a line, as everywhere in Telegram on phones. */
  readonly enterSends: boolean
  readonly field: RefObject<HTMLTextAreaElement | null>
  /** Whether the end of the conversation is out of sight. */
  readonly away: boolean
  readonly onWrite: (text: string) => void
  readonly onFocus: () => void
  readonly onSend: () => void
  readonly onStop: () => void
  readonly onEdit: () => void
  readonly onCancelEdit: () => void
  readonly onDown: () => void
  readonly onPrompts: () => void
}

/** As tall as its text: first as small as can be, then what it takes. The stylesheet sets the most. */
function fit(area: HTMLTextAreaElement, text: string): void {
  area.style.blockSize = '0'
  if (text !== '') area.style.blockSize = `${area.scrollHeight}px`
}

/** From this many free questions on, the line below the composer counts them. */
const FEW = 3

export function Composer(props: ComposerProps) {
  const { state, running, field, onWrite, onSend, onStop } = props
  const { draft, online, editing } = state
  const ready = draft.trim() !== '' && online

  useLayoutEffect(() => {
    if (field.current) fit(field.current, draft)
  }, [field, draft])

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey && props.enterSends) {
      event.preventDefault()
      if (!running) onSend()
    } else if (event.key === 'Escape' && editing !== null) props.onCancelEdit()
    else if (event.key === 'ArrowUp' && draft === '' && !running && state.turns.length > 0) {
      event.preventDefault()
      props.onEdit()
    }
  }

  return (
    <div className="composer">
      {props.away && (
        <button type="button" className="down" aria-label={words.composer.down} onClick={props.onDown}>
          <Icon name="down" />
        </button>
      )}
      {editing !== null && (
        <div className="editing">
          <Icon name="pen" small />
          <span>{words.composer.editing}</span>
          <button
            type="button"
            className="icon-button"
            aria-label={words.composer.cancelEdit}
            onClick={props.onCancelEdit}
          >
            <Icon name="cross" small />
          </button>
        </div>
      )}
      <form
        className="box"
        onSubmit={(event) => {
          event.preventDefault()
          if (!running) onSend()
        }}
      >
        <button type="button" className="icon-button" aria-label={words.composer.prompts} onClick={props.onPrompts}>
          <Icon name="plus" />
        </button>
        <textarea
          ref={field}
          className="input"
          rows={1}
          dir="auto"
          value={draft}
          placeholder={words.composer.label}
          aria-label={words.composer.label}
          enterKeyHint={props.enterSends ? 'send' : 'enter'}
          autoComplete="off"
          onChange={(event) => onWrite(event.currentTarget.value)}
          onFocus={() => {
            props.onFocus()
            void loadMarkdown()
          }}
          onKeyDown={onKeyDown}
        />
        {running ? (
          <button type="button" key="stop" className="go" aria-label={words.composer.stop} onClick={onStop}>
            <Icon name="stop" />
          </button>
        ) : (
          <button
            type="submit"
            key="send"
            className={ready ? 'go' : 'go idle'}
            aria-label={words.composer.send}
            disabled={!ready}
          >
            <Icon name="up" />
          </button>
        )}
      </form>
      <Under state={state} />
    </div>
  )
}

/** The line below: what a first question costs, or what stands in the way of the next. */
function Under({ state }: { readonly state: ChatState }) {
  const { trial, online, turns } = state
  const line = (start: string, end = '') => (
    <p className="under">
      <span>{start}</span>
      {end !== '' && <span>{end}</span>}
    </p>
  )
  if (!online) return line(words.composer.offline)
  if (trial && trial.left <= FEW) {
    return line(words.composer.few(trial.left), trial.left === 0 ? words.composer.renews(trial.renews) : '')
  }
  if (turns.length > 0) return null
  if (trial && trial.left < trial.of) return line(words.composer.few(trial.left), words.composer.noWallet)
  return line(trial ? words.composer.first(trial.of) : words.composer.firstUnknown, words.composer.noWallet)
}
