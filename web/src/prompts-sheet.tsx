import { useSyncExternalStore } from 'react'
import type { Prompt } from './history.ts'
import { Icon } from './icon.tsx'
import { presetNames, withPreset, withPrompt } from './presets.ts'
import { Sheet } from './sheet.tsx'
import type { SheetProps } from './sheets.tsx'
import { shortened } from './summary.ts'
import { words } from './words/words.ts'

const none = () => () => {}
const nothing: readonly Prompt[] = []
const LABEL_LENGTH = 60

/** Beginnings of questions: what people do most, and what this person saved. */
export function PromptsSheet({
  chat,
  state,
  telegram,
  onClose,
  onChoose,
}: SheetProps & { readonly onChoose: (text: string) => void }) {
  const { history } = chat
  const saved = useSyncExternalStore(history?.subscribe ?? none, history?.prompts ?? (() => nothing))
  const draft = state.draft.trim()
  const choose = (text: string) => {
    telegram.touch('choose')
    onChoose(text)
  }
  return (
    <Sheet title={words.prompts.title} telegram={telegram} onClose={onClose}>
      <div className="stack">
        <div className="card">
          {presetNames.map((name) => (
            <button key={name} type="button" className="row" onClick={() => choose(withPreset(name, state.draft))}>
              <span className="row-main">
                <b>{words.presets[name].title}</b>
                <span>{words.presets[name].about}</span>
              </span>
            </button>
          ))}
        </div>
        {history && (
          <section className="group">
            <h3>{words.prompts.mine}</h3>
            <div className="card">
              {saved.map(({ number, text }) => (
                <div key={number} className="row chat-row">
                  <button type="button" className="row-open" onClick={() => choose(withPrompt(text, state.draft))}>
                    <span className="row-main one-line" dir="auto">
                      {text}
                    </span>
                  </button>
                  <button
                    type="button"
                    className="icon-button"
                    aria-label={words.prompts.deleteOne(shortened(text, LABEL_LENGTH))}
                    onClick={() => history.deletePrompt(number)}
                  >
                    <Icon name="bin" small />
                  </button>
                </div>
              ))}
              {draft !== '' && !saved.some(({ text }) => text === draft) && (
                <button type="button" className="row indent" onClick={() => history.savePrompt(draft)}>
                  <Icon name="plus" />
                  <span className="row-main accent">{words.prompts.saveDraft}</span>
                </button>
              )}
              {draft === '' && saved.length === 0 && <p className="padded hint note">{words.prompts.none}</p>}
            </div>
          </section>
        )}
      </div>
    </Sheet>
  )
}
