/** What is one tap away. */
export const quickEmoji = ["👍", "❤️", "😂", "😮", "😢", "🎉"] as const;

/** Common emoji with the words that find them; the first word is what they are called. */
const groups: Record<string, string> = {
  Smileys:
    "😀 grin,😃 smile,😄 happy,😁 beam,😆 laugh,😅 sweat relief,🤣 rofl laugh,😂 joy tears laugh,🙂 slight smile,🙃 upside-down,😉 wink,😊 blush,😇 halo angel,🥰 adore hearts love,😍 heart eyes love,🤩 starstruck,😘 kiss,😋 yum tasty,😛 tongue,😜 crazy wink,🤪 zany,🤗 hug,🤭 giggle,🤫 hush quiet,🤔 think,🤐 zipped mouth,🤨 raised eyebrow,😐 neutral,😑 expressionless,😏 smirk,😒 unamused,🙄 eye roll,😬 grimace,😌 relieved,😔 pensive sad,😪 sleepy,😴 asleep,😷 mask ill,🤒 fever ill,🤕 hurt,🤢 sick,🤧 sneeze,🥵 hot,🥶 cold,🥴 dizzy woozy,🤯 mind blown,🤠 cowboy,🥳 party,😎 cool sunglasses,🤓 nerd,🧐 monocle,😕 confused,😟 worried,🙁 frown,😮 surprised wow,😲 astonished,😳 flushed,🥺 pleading,😨 fearful,😰 anxious,😢 cry sad,😭 sob,😱 scream,😖 confounded,😞 disappointed,😩 weary,😫 tired,🥱 yawn,😤 huff,😡 angry,🤬 swearing,😈 devil,💀 skull,💩 poo,🤡 clown,👻 ghost,👽 alien,🤖 robot",
  People:
    "👍 thumbs up yes like,👎 thumbs down no,👏 clap,🙌 raised hands hooray,🙏 thanks please pray,🤝 handshake deal,👋 wave hello bye,✌️ peace,🤞 fingers crossed luck,🤟 love you,🤘 rock,👌 ok,🤌 pinched fingers,🤏 pinch little,👈 left,👉 right,👆 up,👇 down,☝️ one point,✋ stop hand,🖐️ five hand,💪 strong muscle,✊ fist,👊 punch bump,✍️ writing,🫶 heart hands,👀 eyes look,👁️ eye,👂 ear,🧠 brain,🗣️ speaking,👤 person,👥 people,🤷 shrug,🤦 facepalm,🙋 raised hand,🙆 okay,🙅 no,💁 tip,🚶 walk,🏃 run,💃 dance,🕺 dance,🧘 yoga calm,👶 baby,👑 crown",
  Hearts:
    "❤️ heart love red,🧡 orange heart,💛 yellow heart,💚 green heart,💙 blue heart,💜 purple heart,🖤 black heart,🤍 white heart,🤎 brown heart,💔 broken heart,💕 two hearts,💖 sparkling heart,💯 hundred,💢 anger,💥 boom,💫 dizzy star,💦 splash,💤 zzz sleep,🔥 fire hot,✨ sparkles,⭐ star,🌟 glowing star,🎉 party tada,🎊 confetti,🎈 balloon,🎁 gift present,🏆 trophy win,🥇 gold medal first",
  Nature:
    "🐶 dog,🐱 cat,🐭 mouse,🐰 rabbit,🦊 fox,🐻 bear,🐼 panda,🦁 lion,🐮 cow,🐷 pig,🐸 frog,🐵 monkey,🙈 see no evil,🐔 chicken,🐧 penguin,🐦 bird,🦉 owl,🐺 wolf,🐴 horse,🦄 unicorn,🐝 bee,🐛 bug,🦋 butterfly,🐌 snail,🐢 turtle,🐙 octopus,🐟 fish,🐬 dolphin,🐳 whale,🌸 blossom flower,🌹 rose,🌻 sunflower,🌷 tulip,🌱 seedling,🌳 tree,🌵 cactus,🍀 clover luck,🍁 leaf autumn,🌈 rainbow,☀️ sun,⛅ cloud sun,🌧️ rain,⛈️ thunder storm,❄️ snow,⛄ snowman,🌙 moon,🌍 earth world,🌊 wave sea",
  Food: "🍎 apple,🍌 banana,🍓 strawberry,🍒 cherries,🍑 peach,🍍 pineapple,🥑 avocado,🍅 tomato,🥕 carrot,🌽 corn,🍞 bread,🧀 cheese,🥚 egg,🥓 bacon,🍔 burger,🍟 fries,🍕 pizza,🌮 taco,🥗 salad,🍝 pasta,🍣 sushi,🍜 soup noodles,🍦 ice cream,🍩 doughnut,🍪 cookie,🎂 cake birthday,🍫 chocolate,🍿 popcorn,☕ coffee,🍵 tea,🍺 beer,🍻 cheers beer,🍷 wine,🥂 toast cheers,🍾 champagne",
  Things:
    "⚽ football,🏀 basketball,🎾 tennis,🏈 american football,🚴 bike cycling,🏊 swim,⛷️ ski,🎮 game,🎲 dice,🎯 target goal,🎨 art,🎬 film,🎤 sing,🎧 music listen,🎸 guitar,🎵 note music,🚗 car,🚌 bus,🚆 train,✈️ plane travel,🚀 rocket ship,🚲 bicycle,⛵ boat,🏠 home house,🏢 office,🏖️ beach holiday,⛰️ mountain,⛺ tent camp,🗺️ map,💻 laptop computer,📱 phone,⌚ watch,📷 camera,💡 idea light,🔋 battery,🔧 tool fix,🔨 hammer,⚙️ gear,🔒 lock,🔑 key,📦 package,📝 note write,📚 books,📎 clip,📌 pin,📅 calendar date,📈 chart up,📉 chart down,✉️ mail,📣 announce,🔔 bell,⏰ alarm clock,⏳ hourglass wait,💰 money,💎 diamond",
  Signs:
    "✅ done check yes,☑️ checked,✔️ tick,❌ cross no,❎ crossed,❓ question,❗ exclamation,‼️ double exclamation,⚠️ warning,🚫 forbidden,⛔ no entry,🆗 ok,🆕 new,🆒 cool,🔴 red,🟠 orange,🟡 yellow,🟢 green,🔵 blue,🟣 purple,⚫ black,⚪ white,➕ plus,➖ minus,➡️ right,⬅️ left,⬆️ up,⬇️ down,🔄 again repeat,🔁 loop,♻️ recycle,🏁 finish flag,🚩 red flag,🏳️‍🌈 rainbow flag pride",
};

export interface EmojiGroup {
  name: string;
  emoji: { emoji: string; words: string }[];
}

export const emojiGroups: readonly EmojiGroup[] = Object.entries(groups).map(([name, list]) => ({
  name,
  emoji: list.split(",").map((entry) => {
    const at = entry.indexOf(" ");
    return { emoji: entry.slice(0, at), words: entry.slice(at + 1) };
  }),
}));

/** By what they are called. */
export function findEmoji(query: string): EmojiGroup["emoji"] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text: string) => words.every((word) => ` ${text}`.includes(` ${word}`));
  return emojiGroups.flatMap(({ emoji }) => emoji.filter((one) => fits(one.words)));
}

// The bundler does not lower the v flag.
const oneEmoji = new RegExp("^\\p{RGI_Emoji}$", "v");
const segments = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const isEmoji = (sign: string) => oneEmoji.test(sign) || oneEmoji.test(`${sign}\ufe0f`);

/** The one emoji that a text is, as it is written in full. */
export function asEmoji(text: string): string | undefined {
  const sign = text.trim();
  if (oneEmoji.test(sign)) return sign;
  return oneEmoji.test(`${sign}\ufe0f`) ? `${sign}\ufe0f` : undefined;
}

/** Whether a text is nothing but a few emoji, which are then shown large. */
export function isFewEmoji(text: string): boolean {
  if (text.length > 40) return false;
  const signs = [...segments.segment(text.replace(/\s/g, ""))].map(({ segment }) => segment);
  return signs.length > 0 && signs.length <= 3 && signs.every((sign) => isEmoji(sign) && !/^[\d#*]$/.test(sign));
}
