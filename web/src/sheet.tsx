import { type PointerEvent, type ReactNode, useEffect, useId, useRef } from 'react'
import { Icon } from './icon.tsx'
import type { Telegram } from './telegram.ts'
import { words } from './words/words.ts'

/** Pulled further down than this, a sheet closes. */
const LET_GO = 90

/**
 * Answers a question about what is on the screen. A native dialog: it keeps the focus, gives it back to what opened it, and
 * closes by Escape; here also by swipe, by the scrim and by Telegram's BackButton.
 */
export function Sheet({
  title,
  telegram,
  onClose,
  children,
}: {
  readonly title: string
  readonly telegram: Telegram
  readonly onClose: () => void
  readonly children: ReactNode
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  const pulledFrom = useRef<number | null>(null)

  useEffect(() => {
    const element = dialog.current
    if (!element) return undefined
    const opener = document.activeElement
    if (typeof element.showModal === 'function') {
      if (!element.open) element.showModal()
    } else element.setAttribute('open', '')
    return () => {
      element.close?.()
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true })
    }
  }, [])
  useEffect(() => telegram.onBack(onClose), [telegram, onClose])

  const pull = (event: PointerEvent<HTMLElement>, ends = false) => {
    const element = dialog.current
    if (!element || pulledFrom.current === null) return
    const way = Math.max(0, event.clientY - pulledFrom.current)
    if (!ends) {
      element.style.translate = `0 ${way}px`
      return
    }
    pulledFrom.current = null
    if (way > LET_GO) onClose()
    else element.style.translate = ''
  }

  return (
    // The dialog handles the keys itself; a press on its backdrop reaches it as a press on the dialog.
    <dialog
      ref={dialog}
      className="sheet"
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose()
      }}
    >
      <div className="sheet-body">
        <header
          className="sheet-head"
          onPointerDown={(event) => {
            if ((event.target as Element).closest('button')) return
            pulledFrom.current = event.clientY
            event.currentTarget.setPointerCapture(event.pointerId)
          }}
          onPointerMove={(event) => pull(event)}
          onPointerUp={(event) => pull(event, true)}
          onPointerCancel={(event) => pull(event, true)}
        >
          <h2 id={heading}>{title}</h2>
          <button type="button" className="close" aria-label={words.close} onClick={onClose}>
            <Icon name="cross" small />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
