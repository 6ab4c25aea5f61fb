import { Link } from "../elements/link.js";
import { homeHref } from "../navigation/routes.js";
import { PageHead } from "../shell/page-frame.js";
import { text } from "../text.js";

export function UnknownPage() {
  return <PageHead crumbs={[]} title={text.unknownPage} lead={<Link href={homeHref()}>{text.toHome}</Link>} />;
}
