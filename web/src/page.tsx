import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react'
import { Icon } from './icon.tsx'
import { currentPlace, goBack, left } from './place.ts'
import type { Telegram } from './telegram.ts'
import { words } from './words/words.ts'

/** A place of its own: a large title, and a way back (Telegram's own button inside Telegram). */
export function Page({
  title,
  telegram,
  action,
  children,
}: {
  readonly title: string
  readonly telegram: Telegram
  readonly action?: ReactNode
  readonly children: ReactNode
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useLayoutEffect(() => {
    const place = currentPlace()
    window.scrollTo({ top: left.get(place) ?? 0, behavior: 'instant' })
    return () => void left.set(place, window.scrollY)
  }, [])
  // A screen reader begins where the page does.
  useEffect(() => heading.current?.focus({ preventScroll: true }), [])
  useEffect(() => {
    document.title = `${title} · Cocoon`
    document.body.classList.add('grouped')
    return () => {
      document.title = 'Cocoon'
      document.body.classList.remove('grouped')
    }
  }, [title])
  return (
    <main className="page">
      {!telegram.drawsButtons && (
        <button type="button" className="back" onClick={goBack}>
          <Icon name="back" small />
          {words.back}
        </button>
      )}
      <header className="page-title">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {action}
      </header>
      {children}
    </main>
  )
}

export function Group({
  title,
  foot,
  children,
}: {
  readonly title?: string
  readonly foot?: string
  readonly children: ReactNode
}) {
  return (
    <section className="group">
      {title !== undefined && <h2>{title}</h2>}
      <div className="card">{children}</div>
      {foot !== undefined && <p className="foot">{foot}</p>}
    </section>
  )
}
