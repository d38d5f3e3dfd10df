import type { ChatState } from './chat-state.ts'
import { Icon } from './icon.tsx'
import { Mark, type MarkKind } from './mark.tsx'
import { isRunning, type Turn } from './turn.ts'
import { words } from './words/words.ts'

export type SheetName = 'model' | 'trial' | 'prompts'

interface Standing {
  readonly mark: MarkKind | null
  readonly text: string
  readonly turning: boolean
}

/** What is known of the machine that answers, and nothing more: "private" is said only after a check. */
function standingOf(state: ChatState): Standing {
  const { development, models, model, online, unreachable } = state
  const still = (mark: MarkKind | null, text: string): Standing => ({ mark, text, turning: false })
  const answer: Turn['answer'] | undefined = state.turns.at(-1)?.answer
  if (answer?.failure?.action === 'stop') return still('broken', words.standing.stopped)
  if (answer && isRunning(answer) && !answer.node) {
    const text = answer.phase === 'waiting' ? words.standing.waiting : words.standing.checking
    return { mark: development ? 'development' : 'checking', text, turning: true }
  }
  if (!online || unreachable) return still(null, words.standing.offline)
  const node = state.turns.findLast((turn) => turn.answer.node)?.answer.node
  if (node?.standing === 'private') return still('private', words.standing.private)
  if (node?.standing === 'open') return still('open', words.standing.open)
  if (node?.standing === 'development') return still('development', words.standing.development)
  if (node || development) return still('development', words.standing['not-attested'])
  const chosen = models?.find((one) => one.id === model)
  return still(null, chosen ? words.standing.free(chosen.free) : words.standing.looking)
}

export function Header({
  state,
  onOpen,
  onChats,
}: {
  readonly state: ChatState
  readonly onOpen: (sheet: SheetName) => void
  readonly onChats: () => void
}) {
  const standing = standingOf(state)
  const name = state.models?.find((model) => model.id === state.model)?.name ?? words.model.unknown
  const { trial } = state
  return (
    <div className="top">
      <header className="home">
        <button type="button" className="icon-button" aria-label={words.chats.label} onClick={onChats}>
          <Icon name="chats" />
        </button>
        <button
          type="button"
          className="who"
          aria-label={words.model.change(name, standing.text)}
          onClick={() => onOpen('model')}
        >
          <b>
            <span className="one-line">{name}</span>
            <Icon name="down" small />
          </b>
          <span className="state">
            {standing.mark && <Mark kind={standing.mark} turning={standing.turning} />}
            <span className="one-line">{standing.text}</span>
          </span>
        </button>
        <button
          type="button"
          className={trial?.left === 0 ? 'pill low' : 'pill'}
          aria-label={trial ? words.trial.label(trial.left) : words.trial.title}
          onClick={() => onOpen('trial')}
        >
          {trial ? words.trial.pill(trial.left) : words.trial.unknown}
        </button>
      </header>
      {state.development && <p className="banner development">{words.development}</p>}
    </div>
  )
}
