import { useState } from 'react'
import { copyText } from './copy.tsx'
import { Icon } from './icon.tsx'
import { Sheet } from './sheet.tsx'
import type { Telegram } from './telegram.ts'
import type { Turn } from './turn.ts'
import { words } from './words/words.ts'

interface Props {
  readonly turn: Turn
  readonly telegram: Telegram
  readonly onClose: () => void
}

/** Telegram takes no longer message. */
const MESSAGE_LENGTH = 4000

/** The text goes to Telegram from this device: the service in between never holds it. */
export function ShareSheet({ turn, telegram, onClose }: Props) {
  const text = turn.answer.text
  const send = () => {
    if (telegram.share(text.slice(0, MESSAGE_LENGTH))) onClose()
    else void copyText(text).then(onClose)
  }
  return (
    <Sheet title={words.share.title} telegram={telegram} onClose={onClose}>
      <div className="stack">
        <p className="card padded note about">
          <Icon name="eye" />
          {words.share.warning}
        </p>
        {telegram.inside && (
          <button type="button" className="button" onClick={send}>
            {words.share.send}
          </button>
        )}
        <button
          type="button"
          className={telegram.inside ? 'button plain' : 'button'}
          onClick={() => void copyText(text).then(onClose)}
        >
          {words.share.copy}
        </button>
      </div>
    </Sheet>
  )
}

/** Says which machine and model, and no word of what was said. */
export function ReportSheet({ turn, modelName, telegram, onClose }: Props & { readonly modelName: string }) {
  const [copied, setCopied] = useState(false)
  const { node, nodeId } = turn.answer
  const lines = [
    'Cocoon report',
    `model: ${turn.model}${modelName && modelName !== turn.model ? ` (${modelName})` : ''}`,
    `machine: ${nodeId ?? 'none'}${node ? ` (${node.standing})` : ''}`,
    `asked: ${turn.at > 0 ? new Date(turn.at).toISOString() : 'unknown'}`,
    `ended: ${turn.answer.phase}`,
  ]
  return (
    <Sheet title={words.report.title} telegram={telegram} onClose={onClose}>
      <div className="stack">
        <p className="hint">{words.report.text}</p>
        <pre className="card padded report" tabIndex={0}>
          {lines.join('\n')}
        </pre>
        <button
          type="button"
          className="button"
          onClick={() => void copyText(lines.join('\n')).then(() => setCopied(true))}
        >
          {words.report.copy}
        </button>
        {copied && (
          <p className="hint note" role="status">
            {words.report.copied}
          </p>
        )}
      </div>
    </Sheet>
  )
}
