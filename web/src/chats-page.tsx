import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { ChatMenu } from './chat-menu.tsx'
import type { Hit } from './history.ts'
import { Icon } from './icon.tsx'
import { Mark } from './mark.tsx'
import { Page } from './page.tsx'
import type { PageProps } from './pages.tsx'
import { goBack, goTo } from './place.ts'
import type { Summary } from './summary.ts'
import { words } from './words/words.ts'

const DAY = 24 * 60 * 60 * 1000
/** Letters come faster than a search ends. Milliseconds. */
const SEARCH_AFTER = 150
const none = () => () => {}
const nothing: readonly Summary[] = []

export function ChatsPage({ chat, state, telegram }: PageProps) {
  const { history } = chat
  const summaries = useSyncExternalStore(history?.subscribe ?? none, history?.summaries ?? (() => nothing))
  const [query, setQuery] = useState('')
  const [menu, setMenu] = useState<Summary | null>(null)
  const { hits, searching } = useSearch(chat, query)
  const close = useCallback(() => setMenu(null), [])

  const row = (summary: Summary, around = '') => (
    <li key={summary.id} className="row chat-row">
      <button
        type="button"
        className="row-open"
        aria-current={summary.id === state.conversation ? 'true' : undefined}
        onClick={() => {
          telegram.touch('choose')
          void chat.openConversation(summary.id).then(() => goTo('home'))
        }}
      >
        <span className="row-main">
          <b className="one-line" dir="auto">
            {summary.title || words.chats.fresh}
          </b>
          <span className="one-line" dir="auto">
            {around || summary.preview}
          </span>
        </span>
        <span className="row-end fine">
          {state.busy.has(summary.id) ? words.chats.answering : timeOf(summary.changed)}
          {(summary.standing === 'not-attested' || summary.standing === 'development') && <Mark kind="development" />}
          {summary.standing === 'open' && <Mark kind="open" />}
        </span>
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={words.chats.more(summary.title)}
        onClick={() => setMenu(summary)}
      >
        <Icon name="more" small />
      </button>
    </li>
  )

  return (
    <Page
      title={words.chats.label}
      telegram={telegram}
      action={
        <button
          type="button"
          className="icon-button accent"
          aria-label={words.chats.fresh}
          onClick={() => {
            chat.startOver()
            goBack()
          }}
        >
          <Icon name="compose" />
        </button>
      }
    >
      {summaries.length > 0 && (
        <label className="search">
          <Icon name="search" small />
          <input
            type="search"
            value={query}
            placeholder={words.chats.search}
            aria-label={words.chats.search}
            autoComplete="off"
            enterKeyHint="search"
            onChange={(event) => setQuery(event.currentTarget.value)}
          />
        </label>
      )}
      {hits ? (
        <section className="group">
          <h2 role="status">{searching ? words.chats.searching : words.chats.results(hits.length)}</h2>
          {hits.length > 0 && <ul className="card">{hits.map(({ summary, around }) => row(summary, around))}</ul>}
        </section>
      ) : summaries.length === 0 ? (
        <section className="empty">
          <Icon name="chats" />
          <h2>{words.chats.emptyTitle}</h2>
          <p>{state.memory === 'window' ? words.chats.memory.window : words.chats.emptyText}</p>
          <button
            type="button"
            className="button soft"
            onClick={() => {
              chat.startOver()
              goBack()
            }}
          >
            {words.chats.fresh}
          </button>
        </section>
      ) : (
        grouped(summaries).map(([title, some]) => (
          <section key={title} className="group">
            <h2>{title}</h2>
            <ul className="card">{some.map((summary) => row(summary))}</ul>
          </section>
        ))
      )}
      {summaries.length > 0 && <p className="foot">{words.chats.memory[state.memory]}</p>}
      <nav className="shelf" aria-label={words.shelf.label}>
        {(
          [
            ['network', 'network'],
            ['provide', 'machine'],
            ['settings', 'settings'],
          ] as const
        ).map(([place, icon]) => (
          <button key={place} type="button" onClick={() => goTo(place)}>
            <Icon name={icon} />
            {words.shelf[place]}
          </button>
        ))}
      </nav>
      {menu && <ChatMenu chat={chat} summary={menu} telegram={telegram} onClose={close} />}
    </Page>
  )
}

/** Null where nothing is looked for. */
function useSearch(chat: PageProps['chat'], query: string): { hits: readonly Hit[] | null; searching: boolean } {
  const [found, setFound] = useState<{
    readonly query: string
    readonly hits: readonly Hit[]
    readonly done: boolean
  }>()
  useEffect(() => {
    if (query.trim() === '') return undefined
    const abort = new AbortController()
    const hits: Hit[] = []
    const show = (done: boolean) => {
      if (!abort.signal.aborted) setFound({ query, hits: [...hits], done })
    }
    const search = async () => {
      const onHit = (hit: Hit) => {
        hits.push(hit)
        show(false)
      }
      await chat.history?.search(query, onHit, abort.signal).catch(() => undefined)
      show(true)
    }
    const timer = setTimeout(() => void search(), SEARCH_AFTER)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [chat, query])
  if (query.trim() === '') return { hits: null, searching: false }
  // What was found for other letters stays until there is something newer.
  return { hits: found?.hits ?? [], searching: found?.query !== query || !found.done }
}

/** Midnight before `at`, Unix milliseconds. */
const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0)

function grouped(summaries: readonly Summary[]): [string, Summary[]][] {
  const today = midnight(Date.now())
  const { chats } = words
  const titleOf = ({ changed }: Summary) =>
    changed >= today
      ? chats.today
      : changed >= today - DAY
        ? chats.yesterday
        : changed >= today - 7 * DAY
          ? chats.week
          : chats.earlier
  const groups = new Map<string, Summary[]>()
  for (const summary of summaries) {
    const title = titleOf(summary)
    groups.set(title, [...(groups.get(title) ?? []), summary])
  }
  return [...groups]
}

function timeOf(at: number): string {
  const today = midnight(Date.now())
  if (at >= today) return words.clock(at)
  return at >= today - 7 * DAY ? words.weekday(at) : words.date(at)
}
