import { marked, Marked } from 'marked';

const text = `# Title & more

Some *emphasis*, **strong**, \`code\`, a [link](https://example.org "t") and ![image](a.png).
Autolink: https://example.org/?a=1&b=2 and <b>raw</b>.

> quoted
> - nested

1. one
2. two
   - inner ~~gone~~

| a | b |
|---|:-:|
| 1 | 2 |

\`\`\`js
const x = 1 < 2;
\`\`\`

- [x] done
- [ ] open

***
`;

export default function (request) {
  const own = new Marked({ renderer: { heading: ({ tokens, depth }) => `<h${depth + 1}>${tokens.length}</h${depth + 1}>` } });
  return {
    html: marked.parse(text),
    inline: marked.parseInline('a _b_ c  \nd'),
    tokens: marked.lexer('# a\n\nb').map((t) => t.type),
    own: own.parse('# Hi *there*'),
  };
}
