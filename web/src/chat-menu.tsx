import { useState } from 'react'
import type { Chat } from './chat.ts'
import { asJson, asMarkdown, fileName, handOver } from './export.ts'
import { Icon, type IconName } from './icon.tsx'
import { Sheet } from './sheet.tsx'
import type { Summary } from './summary.ts'
import type { Telegram } from './telegram.ts'
import { words } from './words/words.ts'

/** What can be done with a chat in the list. */
export function ChatMenu({
  chat,
  summary,
  telegram,
  onClose,
}: {
  readonly chat: Chat
  readonly summary: Summary
  readonly telegram: Telegram
  readonly onClose: () => void
}) {
  const [step, setStep] = useState<'menu' | 'rename' | 'delete'>('menu')
  const [title, setTitle] = useState(summary.title)
  const [failed, setFailed] = useState(false)
  const finish = (work: Promise<unknown>) =>
    work.then(onClose, () => {
      setFailed(true)
    })
  const save = async (ending: 'md' | 'json') => {
    const turns = (await chat.history?.turns(summary.id)) ?? []
    const text = ending === 'md' ? asMarkdown(summary, turns) : asJson([[summary, turns]])
    await handOver(fileName(summary.title, ending), text)
  }
  const action = (icon: IconName, label: string, act: () => void, danger = false) => (
    <button type="button" className={danger ? 'row indent danger' : 'row indent'} onClick={act}>
      <Icon name={icon} />
      <span className="row-main">{label}</span>
    </button>
  )
  const { chats } = words
  const heading = step === 'delete' ? chats.deleteTitle : step === 'rename' ? chats.rename : summary.title
  return (
    <Sheet title={heading} telegram={telegram} onClose={onClose}>
      {step === 'menu' && (
        <div className="card">
          {action('pen', chats.rename, () => setStep('rename'))}
          {action('contract', chats.exportMarkdown, () => void finish(save('md')))}
          {action('save', chats.exportJson, () => void finish(save('json')))}
          {action('bin', chats.delete, () => setStep('delete'), true)}
        </div>
      )}
      {step === 'rename' && (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            void finish(chat.rename(summary.id, title))
          }}
        >
          <input
            className="line-input"
            aria-label={chats.renameLabel}
            dir="auto"
            value={title}
            maxLength={120}
            autoFocus
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          <button type="submit" className="button">
            {words.save}
          </button>
        </form>
      )}
      {step === 'delete' && (
        <div className="stack">
          <p className="hint">{chats.deleteText}</p>
          <button
            type="button"
            className="button danger"
            onClick={() => {
              telegram.touch('choose')
              void finish(chat.delete(summary.id))
            }}
          >
            {chats.delete}
          </button>
          <button type="button" className="button plain" onClick={onClose}>
            {words.cancel}
          </button>
        </div>
      )}
      {failed && (
        <p className="foot danger" role="alert">
          {chats.failed}
        </p>
      )}
    </Sheet>
  )
}
