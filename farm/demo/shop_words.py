"""The vocabulary of the demonstration shop; lists of invented or everyday words."""

# fmt: off
FIRST_NAMES = (
    "Ada", "Amir", "Anna", "Ben", "Carla", "Chen", "Clara", "Daan", "David", "Elena", "Emil", "Emma", "Eva",
    "Felix", "Fatima", "Finn", "Greta", "Hana", "Hugo", "Ida", "Ines", "Ivan", "Jan", "Julia", "Karim",
    "Lara", "Leon", "Lina", "Lucas", "Maja", "Marco", "Maria", "Mila", "Nadia", "Nina", "Noah", "Olga",
    "Omar", "Oscar", "Paula", "Pedro", "Rosa", "Sam", "Sara", "Sofia", "Tariq", "Theo", "Tom", "Vera",
    "Yara",
)
LAST_NAMES = (
    "Adler", "Bakker", "Becker", "Blanc", "Bosch", "Braun", "Castro", "Costa", "Dubois", "Evans", "Fischer",
    "Fuchs", "Garcia", "Girard", "Hansen", "Hughes", "Jansen", "Keller", "Klein", "Kruger", "Lambert",
    "Lopez", "Marin", "Martin", "Mercier", "Meyer", "Moreau", "Morgan", "Navarro", "Novak", "Ortega",
    "Parker", "Peters", "Pinto", "Ramos", "Reed", "Richter", "Rossi", "Roux", "Schmidt", "Serra", "Silva",
    "Smit", "Taylor", "Torres", "Vega", "Visser", "Weber", "Wright", "Young",
)
STREETS = (
    "Station", "Church", "Mill", "Garden", "Market", "School", "Park", "Bridge", "Harbour", "Forest",
    "Castle", "River",
)
# fmt: on
STREET_KINDS = ("Street", "Road", "Lane", "Square")
CITIES = {
    "DE": ("Berlin", "Hamburg", "Munich", "Cologne"),
    "FR": ("Paris", "Lyon", "Lille"),
    "GB": ("London", "Leeds", "Bristol"),
    "NL": ("Amsterdam", "Utrecht"),
    "ES": ("Madrid", "Valencia"),
    "US": ("Boston", "Austin"),
}
COUNTRY_WEIGHTS = {"DE": 34, "FR": 20, "GB": 18, "NL": 12, "ES": 10, "US": 6}

# category: (department, lowest and highest list price in euros, nouns)
CATEGORIES = {
    "Lighting": ("Home", 15, 180, ("Lamp", "Lantern", "Spotlight", "Candle Holder")),
    "Bedding": ("Home", 20, 160, ("Duvet", "Pillow", "Blanket", "Sheet Set")),
    "Decor": ("Home", 8, 120, ("Vase", "Mirror", "Picture Frame", "Clock")),
    "Cookware": ("Kitchen", 18, 220, ("Saucepan", "Frying Pan", "Casserole", "Wok")),
    "Tableware": ("Kitchen", 6, 90, ("Plate Set", "Bowl", "Mug", "Glass Set")),
    "Coffee": ("Kitchen", 9, 320, ("Grinder", "Kettle", "Press", "Espresso Maker")),
    "Camping": ("Outdoor", 12, 380, ("Tent", "Sleeping Bag", "Stove", "Backpack")),
    "Cycling": ("Outdoor", 10, 240, ("Helmet", "Bike Light", "Pannier", "Lock")),
    "Gardening": ("Outdoor", 5, 140, ("Spade", "Hose", "Planter", "Shears")),
    "Stationery": ("Office", 3, 45, ("Notebook", "Pen Set", "Planner", "Folder")),
    "Desks": ("Office", 90, 520, ("Desk", "Standing Desk", "Drawer Unit", "Shelf")),
    "Puzzles": ("Toys", 8, 60, ("Puzzle", "Cube", "Maze", "Marble Run")),
    "Board Games": ("Toys", 12, 85, ("Strategy Game", "Card Game", "Dice Game", "Quiz Game")),
    "Audio": ("Electronics", 19, 420, ("Headphones", "Speaker", "Radio", "Microphone")),
    "Chargers": ("Electronics", 9, 95, ("Charger", "Power Bank", "Cable", "Docking Station")),
    "Smart Home": ("Electronics", 15, 260, ("Thermostat", "Camera", "Smart Plug", "Sensor")),
}
# fmt: off
ADJECTIVES = (
    "Alpine", "Arctic", "Autumn", "Basalt", "Birch", "Bright", "Calm", "Cedar", "Classic", "Coastal",
    "Compact", "Copper", "Coral", "Cosy", "Crisp", "Dawn", "Deep", "Ember", "Fern", "Flint", "Foldable",
    "Golden", "Granite", "Harbour", "Hazel", "Indigo", "Iron", "Ivory", "Juniper", "Linen", "Lunar",
    "Maple", "Meadow", "Mint", "Moss", "Nordic", "Oak", "Olive", "Opal", "Pebble", "Pine", "Polar",
    "Quartz", "Quiet", "Rustic", "Sage", "Sienna", "Silver", "Slate", "Solar", "Spruce", "Stone", "Summit",
    "Swift", "Teal", "Timber", "Urban", "Velvet", "Walnut", "Willow",
)
SUPPLIER_WORDS = (
    "Aurora", "Bluefield", "Cobalt", "Delta", "Everline", "Falcon", "Graphite", "Horizon", "Inland",
    "Jetstream", "Kestrel", "Larkspur",
)
# fmt: on
SUPPLIER_KINDS = ("Trading", "Works", "Supply")
SUPPLIER_COUNTRIES = ("DE", "CN", "PL", "IT", "NL", "VN")
COUPONS = ("WELCOME10", "SPRING15", "VIP20", "BLACKFRIDAY")
REVIEW_TITLES = {
    1: ("Broke in a week", "Very disappointed"),
    2: ("Not as described", "Expected more"),
    3: ("It is all right", "Does the job"),
    4: ("Good value", "Happy with it"),
    5: ("Love it", "Would buy again", "Perfect"),
}
