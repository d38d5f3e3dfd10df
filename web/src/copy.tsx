import { useEffect, useState } from 'react'
import { Icon } from './icon.tsx'
import { announce } from './announcements.tsx'
import { words } from './words/words.ts'

/** Long enough to be noticed, short enough to be gone before the next copy. */
const SHOWN_MS = 1600

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    // Older webviews have no clipboard API, or refuse it inside a frame.
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'unseen'
    document.body.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
  announce(words.answer.copied)
}

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [copied, setCopied] = useState(0)
  useEffect(() => {
    if (copied === 0) return undefined
    const timer = setTimeout(() => setCopied(0), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <button
      type="button"
      className={copied ? 'icon-button copied' : 'icon-button'}
      aria-label={label}
      onClick={() => {
        setCopied((times) => times + 1)
        void copyText(text)
      }}
    >
      <Icon name={copied ? 'check' : 'copy'} small />
    </button>
  )
}
