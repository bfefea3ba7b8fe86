"""What the shop sells, and what people say about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on the shelf. The price is in cents; `shape` and `colour` choose its drawing."""

    slug: str
    name: str
    kind: str
    price: int
    unit: str
    line: str
    story: str
    notes: tuple[str, ...]
    shape: str
    colour: str
    video: str = ""

    @property
    def price_text(self) -> str:
        return euros(self.price)


@dataclass(frozen=True, slots=True)
class Review:
    """What one customer wrote about one product."""

    author: str
    place: str
    product: str
    stars: int
    text: str


def euros(cents: int) -> str:
    return f"€ {cents // 100}.{cents % 100:02}"


PRODUCTS = (
    Product(
        slug="morning-moss",
        name="Morning Moss",
        kind="green tea",
        price=1450,
        unit="100 g tin",
        line="A steamed green that tastes like the first walk of the day.",
        story="Picked before the leaves open fully, steamed within the hour and rolled by people who talk while they "
        "work. The cup is bright, a little sweet, and forgiving when you forget it on the windowsill.",
        notes=("70 °C, two minutes", "Two teaspoons to a pot", "A second cup is better than the first"),
        shape="tin",
        colour="#7d9a5f",
        video="KmMorningMs",
    ),
    Product(
        slug="smoke-and-plum",
        name="Smoke & Plum",
        kind="black tea",
        price=1690,
        unit="100 g tin",
        line="Pine smoke first, dark fruit after. For long letters.",
        story="A black tea dried over a slow pine fire, then rested for a winter with dried plums, which are taken out "
        "before the tin is closed. What stays is their shadow.",
        notes=("95 °C, four minutes", "Takes milk, does not need it", "Good company for rye bread"),
        shape="tin",
        colour="#6d4a5c",
        video="KmSmokePlum",
    ),
    Product(
        slug="hay-loft",
        name="Hay Loft",
        kind="herbal",
        price=1180,
        unit="80 g bag",
        line="Chamomile, meadow hay and a little honeybush.",
        story="We blend this one in August, when the loft smells of it anyway. There is no caffeine in it, "
        "and no hurry either.",
        notes=("Boiling water, six minutes", "For evenings", "Lovely cold with a slice of apple"),
        shape="bag",
        colour="#d2ae5b",
    ),
    Product(
        slug="river-oolong",
        name="River Oolong",
        kind="oolong",
        price=2240,
        unit="75 g tin",
        line="Half green, half dark, all patience.",
        story="Tossed in bamboo baskets until the edges of the leaves bruise and turn red. "
        "Each pouring opens them a little further: orchid, then peach, then warm stone.",
        notes=("90 °C, short pourings", "Five pourings from one pot", "Use the small cup"),
        shape="tin",
        colour="#4f7c82",
        video="KmRiverOolg",
    ),
    Product(
        slug="pebble-cup",
        name="Pebble Cup",
        kind="stoneware",
        price=2800,
        unit="180 ml, one cup",
        line="It has no handle because your hands are cold.",
        story="Thrown by Ines in the room behind the shop. The glaze is ash from the stove and changes with every "
        "firing, so the one that comes to you is not quite the one in the drawing.",
        notes=("Holds 180 ml", "Dishwasher safe, though it sulks", "Slightly different every time"),
        shape="cup",
        colour="#b9a58c",
    ),
    Product(
        slug="tall-cup",
        name="Tall Cup",
        kind="stoneware",
        price=3200,
        unit="300 ml, one cup",
        line="For people who say “just one cup” and mean it.",
        story="The same clay as the Pebble, pulled up by a hand's width. It keeps the last third warm, "
        "which is the third one forgets.",
        notes=("Holds 300 ml", "Unglazed foot, dries quickly", "Stacks in pairs, not in threes"),
        shape="cup",
        colour="#b5653a",
    ),
    Product(
        slug="little-kettle",
        name="Little Kettle",
        kind="cast iron",
        price=7400,
        unit="0.8 l, one kettle",
        line="Heavy, slow, and impossible to knock over.",
        story="Cast in sand and enamelled inside. It does not whistle. It hums, and after a week "
        "you will know by the pitch how long it still needs.",
        notes=("0.8 litres", "Gas, induction, campfire", "With a sieve of steel"),
        shape="kettle",
        colour="#4a4f54",
    ),
    Product(
        slug="linen-filter",
        name="Linen Filter",
        kind="tool",
        price=650,
        unit="two filters",
        line="Two small bags that replace about a thousand.",
        story="Sewn from the edges that are left over at the weaver's. Rinse them, hang them up, "
        "and they will outlast the tin.",
        notes=("Wash at 60 °C without soap", "Fits every pot we know", "Turns brown, which is fine"),
        shape="bag",
        colour="#cfc3ac",
    ),
)

BY_SLUG = {product.slug: product for product in PRODUCTS}

REVIEWS = (
    Review("Odile", "Ghent", "morning-moss", 5, "I stopped drinking coffee. Nobody asked me to. It just happened."),
    Review("Marek", "Brno", "little-kettle", 5, "My daughter says it sings in D. I believe her."),
    Review("Yusuf", "Bremen", "smoke-and-plum", 4, "The parcel smelled so good that the neighbour opened it."),
    Review("Pia", "Turku", "pebble-cup", 5, "One finger fits exactly into the dent. Was that on purpose?"),
    Review("Tomás", "Porto", "river-oolong", 5, "The fourth pouring. Trust me and wait for the fourth pouring."),
    Review("Henrike", "Kiel", "hay-loft", 3, "Tastes of holidays at my aunt's. I did not like my aunt, but the hay!"),
    Review("Aoife", "Sligo", "linen-filter", 4, "It is a bag. It is a very good bag."),
    Review("Luca", "Trento", "tall-cup", 5, "Bought one. Said “just one cup”. Bought the second."),
)
