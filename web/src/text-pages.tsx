import { Group, Page } from './page.tsx'
import type { PageProps } from './pages.tsx'
import { words } from './words/words.ts'

export function PrivacyPage({ telegram }: PageProps) {
  const { privacyPage } = words
  return (
    <Page title={privacyPage.title} telegram={telegram}>
      <p className="lead">{privacyPage.intro}</p>
      <Group>
        <dl className="who-sees">
          {privacyPage.table.map(([who, what]) => (
            <div key={who}>
              <dt>{who}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </Group>
      <Notes notes={privacyPage.notes} />
    </Page>
  )
}

export function TermsPage({ telegram }: PageProps) {
  return (
    <Page title={words.termsPage.title} telegram={telegram}>
      <Notes notes={words.termsPage.notes} />
    </Page>
  )
}

function Notes({ notes }: { readonly notes: readonly (readonly string[])[] }) {
  return (
    <div className="card padded notes">
      {notes.map(([title, text]) => (
        <section key={title}>
          <h2>{title}</h2>
          <p>{text}</p>
        </section>
      ))}
    </div>
  )
}
