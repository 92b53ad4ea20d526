"""What the catalogues' answers are made of: an entry of each."""

from phaselab.domain.answers.fields import Field, Many, Maybe, Named, Record
from phaselab.domain.results.measures import Measure
from phaselab.domain.settings.parameters import Parameter
from phaselab.domain.specs.claims import Claim
from phaselab.domain.specs.pictures import Picture
from phaselab.domain.specs.presets import Preset

PARAMETER: Record[Parameter] = Record(
    (
        Field("title", "text", lambda entry: entry.title, "Title of an axis: the path, its symbol and its unit."),
        Field("path", "text", lambda entry: entry.path, "Its dotted path."),
        Field("meaning", "text", lambda entry: entry.meaning, "What it means."),
        Field("symbol", "text", lambda entry: entry.symbol, "Its symbol."),
        Field("unit", "text", lambda entry: entry.unit, "Its unit; empty where it has none."),
        Field("scale", "text", lambda entry: entry.scale, "Its natural scale: `linear` or `log`."),
        Field("default", Maybe("any"), lambda entry: entry.default, "What it is where a spec leaves it out."),
        Field("types", Many("text"), lambda entry: entry.types, "The types of its values."),
        Field("choices", Many("text"), lambda entry: entry.choices, "The texts that it can be."),
        Field("limits", Named("number"), lambda entry: entry.limits, "Bounds by `ge`, `gt`, `le`, `lt`."),
        Field("swept", "boolean", lambda entry: entry.swept, "Whether it can be an axis."),
        Field("neutral", Maybe("value"), lambda entry: entry.neutral, "What null does; null where others decide it."),
        Field("families", Many("text"), lambda entry: entry.families, "The families that take it; empty: all."),
        Field("sources", Many("text"), lambda entry: entry.sources, "The sources that it is for; empty: all."),
        Field("only", Named(Many("text")), lambda entry: entry.only, "Of a choice that is not for all, who offers it."),
    )
)
MEASURE: Record[Measure] = Record(
    (
        Field("title", "text", lambda entry: entry.title, "Title of an axis: the name, its symbol and its unit."),
        Field("name", "text", lambda entry: entry.name, "Its name."),
        Field("symbol", "text", lambda entry: entry.symbol, "Its symbol."),
        Field("low", Maybe("number"), lambda entry: entry.low, "Its least value; null where it has no bound."),
        Field("high", Maybe("number"), lambda entry: entry.high, "Its greatest value; null likewise."),
        Field("unit", "text", lambda entry: entry.unit, "Its unit; empty where it has none."),
        Field("meaning", "text", lambda entry: entry.meaning, "What it means."),
        Field("source", "text", lambda entry: entry.source, "Where it comes from; empty where it needs no source."),
        Field("families", Many("text"), lambda entry: entry.families, "The families that it is of; empty: all."),
        Field("sources", Many("text"), lambda entry: entry.sources, "The sources that it is of; empty: all."),
        Field("share_of", Maybe("text"), lambda entry: entry.share_of, "The points that it is a share of; else null."),
        Field("heavy_tailed", "boolean", lambda entry: entry.heavy_tailed, "Whether no interval of its mean covers."),
        Field("layered", "boolean", lambda entry: entry.layered, "Whether every hidden layer has it: its profile."),
    )
)
_PICTURE: Record[Picture] = Record(
    (
        Field("kind", "text", lambda picture: picture.kind, "`diagram`, `lines`, `curves` or `cosines`."),
        Field("query", Named("text"), lambda picture: picture.query, "The query parameters that make it."),
    )
)
_CLAIM: Record[Claim] = Record(
    (
        Field("text", "text", lambda claim: claim.text, "The statement in words."),
        Field("source", "text", lambda claim: claim.source, "Where it is published."),
        Field("measure", "text", lambda claim: claim.measure, "The measure that it is about."),
        Field("statistic", "text", lambda claim: claim.statistic, "The statistic of the measure."),
        Field("where", Many("text"), lambda claim: claim.where, "Conditions, all of which hold."),
        Field("expect", Named("any"), lambda claim: claim.expect.model_dump(exclude_none=True), "What is expected."),
    )
)
PRESET: Record[Preset] = Record(
    (
        Field("name", "text", lambda entry: entry.name, "Its name."),
        Field("meaning", "text", lambda entry: entry.meaning, "What it asks."),
        Field("sized_for", "text", lambda entry: entry.sized_for, "`cpu`: minutes on two cores; or `gpu`."),
        Field("spec", Named("any"), lambda entry: entry.submitted, "The spec, its pictures and claims with it."),
        Field("pictures", Many(_PICTURE), lambda entry: entry.pictures, "What to look at when it is done."),
        Field("claims", Many(_CLAIM), lambda entry: entry.claims, "What is claimed of it."),
    )
)
