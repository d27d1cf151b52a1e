// What the home-control data set is made of: rooms, things, numbers and phrasings, those of
// training and those that only held-out rows use.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace hone::home_control {

using Words = std::vector<std::string>;

/// What training rows may say, and what only held-out rows say.
struct Split {
  Words train;
  Words heldout;
};

/// One action.
///
/// In a phrasing `@` is the thing with or without its room ("the lamp", "the kitchen lamp", "the
/// lamp in the kitchen"),
/// `*` the same without "the", `{thing}`, `{room}` and `{n}` are the parts alone, and `{at}` is "
/// in the ROOM" or nothing.
struct Action {
  std::string name;
  std::string thing_key;  ///< key of the thing in the command; empty: the action has none
  Split things;
  Split phrasings;
  int lowest = 0;  ///< `{n}` is lowest .. highest
  int highest = 0;
};

inline constexpr const char* kSystem = "Answer with one JSON command.";

// No training row has one of these numbers, in digits or in words. All but 17 are made of number
// words that training rows have in other numbers.
inline constexpr std::array kHeldoutNumbers = {17, 23, 26, 31, 37, 44, 46, 52, 58,
                                               63, 69, 74, 78, 81, 86, 92, 97};

inline const Split kRooms = {
    {"kitchen", "living room", "bedroom", "bathroom", "hallway", "garage", "office", "dining room",
     "attic", "basement", "laundry room", "guest room", "nursery", "study"},
    {"library", "pantry", "workshop", "sun room", "cabin", "game room"}};

// In front of a command, and behind anything. The empty ones stand for as many draws without.
inline const Split kOpeners = {
    {"", "", "", "", "please ", "can you ", "could you please ", "hey, ", "i want you to "},
    {"", "", "", "", "would you ", "kindly ", "okay, "}};
inline const Split kClosers = {{"", "", "", "", "", " please", " for me", " now", ", thanks"},
                               {"", "", "", "", "", " if you can", " right away", ", will you"}};

// How a phrasing begins that is no command and so takes no opener.
inline const Words kNoCommand = {"*", "{", "i ", "in ", "let ", "no ", "volume ", "timer"};

inline const Split kSwitches = {
    {"lamp", "fan", "heater", "ceiling light", "night light", "kettle", "coffee maker", "radio",
     "tv", "air conditioner", "humidifier", "desk lamp", "oven", "lights"},
    {"toaster", "dishwasher", "floor lamp", "projector", "printer"}};
inline const Split kLights = {
    {"lamp", "ceiling light", "night light", "desk lamp", "lights", "spotlight", "reading lamp"},
    {"floor lamp", "wall light", "lantern"}};
inline const Split kHeating = {
    {"thermostat", "heater", "radiator", "air conditioner", "heating", "oven"},
    {"boiler", "heat pump", "stove"}};
inline const Split kSound = {
    {"speaker", "radio", "tv", "stereo", "alarm", "headphones", "doorbell"},
    {"sound bar", "record player", "intercom"}};
inline const Split kCovers = {
    {"blinds", "curtains", "window", "shutters", "skylight", "gate", "door"},
    {"drapes", "awning", "vent"}};
inline const Split kLocks = {
    {"front door", "back door", "side door", "gate", "window", "safe", "door", "cabinet"},
    {"locker", "mailbox", "drawer"}};
inline const Split kMedia = {
    {"jazz", "rock", "classical music", "piano music", "country music", "pop", "techno",
     "folk songs", "rain sounds", "lullabies", "guitar music", "love songs"},
    {"blues", "harp music", "ocean sounds", "opera", "dance music"}};

inline const std::vector<Action> kActions = {
    {"turn_on",
     "device",
     kSwitches,
     {{"turn on @", "turn @ on", "switch on @", "switch @ on", "* on",
       "in the {room}, turn on the {thing}", "i want @ on", "i would like @ turned on",
       "power on @", "get @ switched on", "i need the {thing} on{at}"},
      {"have @ turned on", "i would like to have @ on", "be sure to switch on @", "flip @ on",
       "i want @ switched on", "in the {room}, switch the {thing} on", "let us have @ on"}}},
    {"turn_off",
     "device",
     kSwitches,
     {{"turn off @", "turn @ off", "switch off @", "switch @ off", "* off",
       "in the {room}, turn off the {thing}", "i want @ off", "i would like @ turned off",
       "power off @", "get @ switched off", "i need the {thing} off{at}"},
      {"have @ turned off", "i would like to have @ off", "be sure to switch off @", "flip @ off",
       "i want @ switched off", "in the {room}, switch the {thing} off", "let us have @ off"}}},
    {"set_brightness",
     "device",
     kLights,
     {{"set @ to {n} percent", "dim @ to {n} percent", "brighten @ to {n} percent",
       "* at {n} percent brightness", "set the brightness of @ to {n}",
       "in the {room}, dim the {thing} to {n} percent", "i want @ at {n} percent brightness",
       "make @ {n} percent bright", "{n} percent on @"},
      {"put @ at {n} percent", "bring the brightness of @ to {n}", "{n} percent brightness for @",
       "in the {room}, set the {thing} to {n} percent brightness",
       "i would like @ dimmed to {n} percent", "adjust @ to {n} percent"}},
     1,
     99},
    {"set_temperature",
     "device",
     kHeating,
     {{"set @ to {n} degrees", "heat up @ to {n} degrees", "* at {n} degrees",
       "set the temperature of @ to {n}", "in the {room}, set the {thing} to {n} degrees",
       "i want @ at {n} degrees", "turn @ to {n} degrees", "make @ {n} degrees warm",
       "{n} degrees on @"},
      {"put @ at {n} degrees", "bring the temperature of @ to {n}", "{n} degrees for @",
       "adjust @ to {n} degrees", "in the {room}, bring the {thing} to {n} degrees",
       "i would like @ set to {n} degrees"}},
     12,
     39},
    {"set_volume",
     "device",
     kSound,
     {{"set the volume of @ to {n}", "turn the volume of @ to {n}", "* volume {n}",
       "volume {n} on @", "in the {room}, set the {thing} volume to {n}", "i want @ at volume {n}",
       "make @ volume {n}", "turn up the volume of @ to {n}", "turn down the volume of @ to {n}"},
      {"put the volume of @ at {n}", "bring @ to volume {n}", "volume {n} for @",
       "adjust the volume of @ to {n}", "in the {room}, turn the {thing} to volume {n}",
       "i would like the volume of @ at {n}"}},
     1,
     99},
    {"mute",
     "device",
     kSound,
     {{"mute @", "silence @", "no sound from @", "make @ silent", "in the {room}, mute the {thing}",
       "i want @ muted", "put @ on mute", "* on mute"},
      {"have @ muted", "get @ on mute", "i would like @ silent",
       "in the {room}, silence the {thing}", "make @ mute", "no more sound from @"}}},
    {"open",
     "device",
     kCovers,
     {{"open @", "open up @", "* open", "in the {room}, open the {thing}", "i want @ open",
       "get @ open", "i would like @ opened", "pull @ open"},
      {"have @ opened", "push @ open", "i would like to have @ open",
       "in the {room}, open up the {thing}", "i want @ opened", "be sure to open @"}}},
    {"close",
     "device",
     kCovers,
     {{"close @", "close up @", "* closed", "in the {room}, close the {thing}", "i want @ closed",
       "get @ closed", "i would like @ closed", "pull @ closed", "shut @"},
      {"have @ closed", "push @ closed", "i would like to have @ closed",
       "in the {room}, shut the {thing}", "i want @ shut", "be sure to close @"}}},
    {"lock",
     "device",
     kLocks,
     {{"lock @", "lock up @", "* locked", "in the {room}, lock the {thing}", "i want @ locked",
       "get @ locked", "i would like @ locked", "put the lock on @"},
      {"have @ locked", "keep @ locked", "i would like to have @ locked",
       "in the {room}, lock up the {thing}", "be sure to lock @", "i need @ locked"}}},
    {"unlock",
     "device",
     kLocks,
     {{"unlock @", "* unlocked", "in the {room}, unlock the {thing}", "i want @ unlocked",
       "get @ unlocked", "i would like @ unlocked", "take the lock off @", "undo the lock on @"},
      {"have @ unlocked", "keep @ unlocked", "i would like to have @ unlocked",
       "in the {room}, have the {thing} unlocked", "be sure to unlock @", "i need @ unlocked"}}},
    {"play",
     "media",
     kMedia,
     {{"play {thing}{at}", "play some {thing}{at}", "put on some {thing}{at}",
       "in the {room}, play {thing}", "i want to hear {thing}{at}", "{thing}{at}",
       "start playing {thing}{at}", "let me hear {thing}{at}"},
      {"i would like to hear {thing}{at}", "let us hear some {thing}{at}",
       "have some {thing} playing{at}", "in the {room}, put on some {thing}",
       "i want {thing} playing{at}", "begin playing {thing}{at}"}}},
    {"set_timer",
     "",
     {},
     {{"set a timer for {n} minutes{at}", "{n} minute timer{at}", "start a {n} minute timer{at}",
       "in the {room}, set a timer for {n} minutes", "timer{at} for {n} minutes",
       "i want a timer{at} for {n} minutes", "remind me in {n} minutes{at}",
       "set the {room} timer to {n} minutes", "count down {n} minutes{at}"},
      {"i need a {n} minute timer{at}", "give me a timer for {n} minutes{at}",
       "begin a {n} minute timer{at}", "in the {room}, start a timer for {n} minutes",
       "put {n} minutes on the {room} timer", "i would like a timer of {n} minutes{at}",
       "time {n} minutes{at}"}},
     2,
     99},
};

}  // namespace hone::home_control
