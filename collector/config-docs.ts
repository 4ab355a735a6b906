// The option table → docs/config.md and the options part of `--help`.

import { options } from './config.ts'
import { envName, flagName, type Option } from './config-sources.ts'

const table: readonly Option[] = options

/** The whole page as Markdown; a test holds docs/config.md to it. */
export function configPage(): string {
  const rows = table.map((option) => {
    const standard = option.default === '' ? '' : `\`${option.default}\``
    const doc = `${option.doc}${option.isSecret ? ' *(secret)*' : ''}`
    const cells = [`\`${option.key}\``, `\`${envName(option.key)}\``, standard, option.kind.values, doc]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return `<!-- Generated from collector/config.ts by \`npm run docs\`: change the option table, not this page. -->
# Configuration

Every option can be given in a YAML file (\`--config FILE\`), in the environment and as a flag; later wins. The flag is the key with
dashes: \`data_dir\` is \`--data-dir DIR\` or \`--data-dir=DIR\`. An empty variable and an empty YAML value count as not given. Unknown
names and values that are not allowed end the start with one line and exit code 2. \`spanledger check-config\` prints what is in
force and where it comes from.

Options marked *secret* print as \`***\` and can also be read from a file: \`clickhouse_password_file: /run/secrets/clickhouse\`, or
\`SPANLEDGER_CLICKHOUSE_PASSWORD_FILE\`. Sizes are written \`64MiB\`, durations \`500ms\`, \`30s\`, \`2m\`, \`1h\` or \`7d\`. Port 0 takes a free port.

\`\`\`yaml
# spanledger.yaml
clickhouse_url: https://clickhouse.example.com:8443
clickhouse_user: spanledger
clickhouse_password_file: /run/secrets/clickhouse
retention_days: 180
api_cors_origins: [https://app.example.com]
\`\`\`

| key | environment | default | values | meaning |
|---|---|---|---|---|
${rows.join('\n')}
`
}

/** Two lines an option, for a terminal. */
export function optionsHelp(): string {
  return table
    .map(({ key, kind, doc, isSecret, ...option }) => {
      const standard = option.default === '' ? '' : ` (default ${option.default})`
      return `  ${flagName(key)}  ${kind.values}${standard}\n      ${doc.replaceAll('`', '')}${isSecret ? ' (secret)' : ''}`
    })
    .join('\n')
}
