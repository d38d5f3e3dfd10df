import { markOf } from './answer-sheets.tsx'
import { CopyButton } from './copy.tsx'
import { Icon } from './icon.tsx'
import { Mark, type MarkKind } from './mark.tsx'
import { grams, ticker } from './money.ts'
import { Prose } from './prose.tsx'
import { type Answer, isRunning } from './turn.ts'
import { words } from './words/words.ts'

export interface AnswerProps {
  readonly answer: Answer
  readonly development: boolean
  /** Only the last answer can be asked for again. */
  readonly last: boolean
  readonly onRetry: () => void
  readonly onMachine: () => void
  readonly onActions: () => void
}

export function AnswerView(props: AnswerProps) {
  const { answer, development } = props
  const running = isRunning(answer)
  // Nothing was said and nothing will be: the notice below speaks alone.
  if (answer.phase === 'failed' && answer.text === '' && answer.reasoning === '') return null
  return (
    <article className="answer" aria-label={words.answer.label} aria-busy={running}>
      {answer.reasoning !== '' && (
        <details className="thinking">
          <summary>
            {words.answer.reasoning}
            <Icon name="down" small />
          </summary>
          <p className="plain" dir="auto">
            {answer.reasoning}
          </p>
        </details>
      )}
      {answer.text !== '' && <Prose text={answer.text} streaming={running} />}
      {running ? <Status answer={answer} development={development} /> : <Ending answer={answer} />}
      {(answer.phase === 'done' || answer.phase === 'stopped') && <After {...props} />}
    </article>
  )
}

function Status({ answer, development }: { readonly answer: Answer; readonly development: boolean }) {
  if (answer.lost) {
    return (
      <p className="status">
        <Icon name="offline" small />
        {words.lost}
      </p>
    )
  }
  const thinking = answer.phase === 'streaming' && answer.text === ''
  const known: MarkKind = answer.node ? markOf[answer.node.standing] : 'checking'
  return (
    <p className="status">
      <Mark kind={development ? 'development' : known} turning />
      {answer.resumed ? words.resumed : thinking ? words.answer.thinking : words.status[answer.phase]}
    </p>
  )
}

/** Why an answer ends where it does, when it is not simply complete. */
function Ending({ answer }: { readonly answer: Answer }) {
  const { phase, end, text } = answer
  const why =
    phase === 'stopped'
      ? words.status.stopped
      : end?.finishReason === 'length'
        ? words.answer.length
        : end?.finishReason === 'content_filter'
          ? words.answer.filtered
          : phase === 'done' && text === ''
            ? words.answer.empty
            : ''
  return why === '' ? null : <p className="ending">{why}</p>
}

/** Below each answer: what its machine proved, its price, what to do with it. */
function After({ answer, last, onRetry, onMachine, onActions }: AnswerProps) {
  const { node, end } = answer
  return (
    <div className="after">
      {node && (
        <button
          type="button"
          className={`proven ${node.standing}`}
          aria-label={words.answer.about(words.answer.standing[node.standing])}
          onClick={onMachine}
        >
          <Mark kind={markOf[node.standing]} />
          {words.answer.standing[node.standing]}
        </button>
      )}
      <span className="cost">
        {end && (end.cost === 0n ? words.answer.free : words.answer.cost(grams(end.cost), ticker))}
      </span>
      {answer.text !== '' && <CopyButton text={answer.text} label={words.answer.copy} />}
      {last && (
        <button type="button" className="icon-button" aria-label={words.answer.again} onClick={onRetry}>
          <Icon name="again" small />
        </button>
      )}
      <button type="button" className="icon-button" aria-label={words.answer.more} onClick={onActions}>
        <Icon name="more" small />
      </button>
    </div>
  )
}
