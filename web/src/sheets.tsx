import type { Chat } from './chat.ts'
import type { ChatState } from './chat-state.ts'
import type { Model } from './asking.ts'
import { Icon } from './icon.tsx'
import { Mark } from './mark.tsx'
import { grams, ticker } from './money.ts'
import { Sheet } from './sheet.tsx'
import type { Telegram } from './telegram.ts'
import { words } from './words/words.ts'

export interface SheetProps {
  readonly chat: Chat
  readonly state: ChatState
  readonly telegram: Telegram
  readonly onClose: () => void
}

export function ModelSheet({ chat, state, telegram, onClose }: SheetProps) {
  const { models, unreachable } = state
  return (
    <Sheet title={words.model.title} telegram={telegram} onClose={onClose}>
      {models ? (
        <div className="card">
          {models.map((model) => (
            <button
              key={model.id}
              type="button"
              className="row indent model"
              aria-pressed={model.id === state.model}
              onClick={() => {
                telegram.touch('choose')
                chat.choose(model.id)
                onClose()
              }}
            >
              {/* Nobody was checked yet: a model wears a mark of its own only where nothing can be proven. */}
              {state.development ? <Mark kind="development" /> : <Icon name="machine" />}
              <ModelRow model={model} />
              {model.id === state.model ? (
                <svg className="icon check" aria-hidden="true">
                  <use href="#check" />
                </svg>
              ) : (
                <span className="icon" />
              )}
            </button>
          ))}
        </div>
      ) : unreachable ? (
        <div className="card padded stack">
          <p className="hint">{words.model.unreachable}</p>
          <button type="button" className="button soft" onClick={() => void chat.open()}>
            {words.remedy.again}
          </button>
        </div>
      ) : (
        <div className="card padded" role="status" aria-label={words.model.looking}>
          <div className="bone tall" />
        </div>
      )}
      {models && state.development && <p className="foot">{words.model.development}</p>}
    </Sheet>
  )
}

function ModelRow({ model }: { readonly model: Model }) {
  return (
    <span className="row-main">
      <b>{model.name}</b>
      <span>{model.about}</span>
      {model.price ? (
        <span className="metrics">
          {BigInt(model.price.completion) === 0n ? (
            <Metric name={words.model.price} value={words.answer.free} />
          ) : (
            <Metric name={words.model.perMillion(ticker)} value={grams(model.price.completion)} />
          )}
          <Metric name={words.model.machines(model.nodes)} value={words.integer(model.nodes)} />
          <Metric name={words.model.free} value={words.integer(model.free)} />
        </span>
      ) : (
        <span className="danger">{words.model.none}</span>
      )}
    </span>
  )
}

function Metric({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <span>
      <b>{value}</b> <small>{name}</small>
    </span>
  )
}

export function TrialSheet({ state, telegram, onClose }: SheetProps) {
  const { trial } = state
  return (
    <Sheet title={words.trial.title} telegram={telegram} onClose={onClose}>
      <div className="card padded stack">
        {trial && (
          <>
            <p className="figures">
              <b>{words.trial.left(trial.left, trial.of)}</b>
            </p>
            <div className="thread">
              <i style={{ inlineSize: `${(trial.left / Math.max(1, trial.of)) * 100}%` }} />
            </div>
            {trial.left < trial.of && <p className="hint note">{words.trial.renews(trial.renews)}</p>}
          </>
        )}
        <p className="hint note">{words.trial.wallet}</p>
      </div>
    </Sheet>
  )
}
