// node certified_provider.mjs FOLDER PORT CLIENT PERSON: oidc-provider, which is certified by the OpenID Foundation, with
// one client and one person, whoever logs in. PKCE is required, as is the client's secret.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, port, client, person] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(join(folder, "node_modules", "oidc-provider", "lib", "index.js")));
const claims = JSON.parse(person);
const provider = new Provider(`http://localhost:${port}`, {
  clients: [JSON.parse(client)],
  claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
  pkce: { required: () => true },
  findAccount: () => ({ accountId: claims.sub, claims: () => claims }),
});
provider.listen(Number(port), "localhost");
