#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hone/base/error.h>
#include <hone/base/files.h>

#include "error_of.h"
#include "temporary_folder.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;

/// Runs `action` in a child process and returns the status of `waitpid`.
template <typename Action>
int in_child(const Action& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    action();
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(MappedFile, OutlivesItselfByItsOwner) {
  const TemporaryFolder folder;
  write_file(folder / "a", "text");
  std::shared_ptr<const void> owner;
  std::string_view bytes;
  {
    const MappedFile file(folder / "a");
    owner = file.owner();
    bytes = file.bytes();
  }
  fs::remove(folder / "a");
  EXPECT_EQ(bytes, "text");
}

TEST(MappedFile, SaysWhatCannotBeMapped) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { MappedFile(folder / "none"); }),
            (folder / "none").string() + ": cannot open: No such file or directory");
  EXPECT_EQ(error_of([&] { MappedFile(folder.path()); }),
            folder.path().string() + ": not a regular file");
  // A named pipe without a writer must not wait for one.
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { MappedFile(folder / "pipe"); }),
            (folder / "pipe").string() + ": not a regular file");
}

TEST(MappedFile, EmptyFileIsEmpty) {
  const TemporaryFolder folder;
  write_file(folder / "empty", "");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
}

TEST(AtomicFile, AppearsOnlyWithCommit) {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder / "a");
    file.write("one");
    EXPECT_FALSE(fs::exists(folder / "a"));
    file.write(std::string(3 << 20, 'x'));  // past the buffer: written through
    file.write("two");
    file.commit();
  }
  EXPECT_EQ(read_file(folder / "a"), "one" + std::string(3 << 20, 'x') + "two");
  EXPECT_EQ(folder.size(), 1);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  { AtomicFile(folder / "a").write("lost"); }
  EXPECT_EQ(folder.size(), 0);
}

TEST(AtomicFile, ReplacesWhatAMapStillShows) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  const MappedFile old(folder / "a");
  AtomicFile file(folder / "a");
  file.write(old.bytes());
  file.write("+new");
  file.commit();
  EXPECT_EQ(old.bytes(), "old");
  EXPECT_EQ(read_file(folder / "a"), "old+new");
}

TEST(AtomicFile, TwoForOneNameDoNotDisturbEachOther) {
  const TemporaryFolder folder;
  AtomicFile first(folder / "a");
  AtomicFile second(folder / "a");
  first.write("first");
  second.write("second");
  first.commit();
  second.commit();
  EXPECT_EQ(read_file(folder / "a"), "second");
  EXPECT_EQ(folder.size(), 1);
}

TEST(AtomicFile, NamesThePathAndTheReason) {
  const TemporaryFolder folder;
  const auto missing = folder.path() / "none" / "a";
  EXPECT_EQ(error_of([&] { AtomicFile file(missing); }),
            missing.string() + ": cannot write: No such file or directory");
  fs::create_directory(folder / "there");
  EXPECT_EQ(error_of([&] { write_file(folder / "there", "x"); }),
            (folder / "there").string() + ": cannot write: Is a directory");
  EXPECT_EQ(folder.size(), 1);
}

TEST(AtomicFile, KilledBeforeCommitLeavesTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  const int status = in_child([&] {
    AtomicFile file(folder / "a");
    file.write(std::string(2 << 20, 'x'));
    ::raise(SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(folder / "a"), "old");
}

TEST(AtomicFile, FullDiskIsAnErrorAndKeepsTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto message = error_of([&] { write_file(folder / "a", std::string(2 << 20, 'x')); });
    ::_exit(message == (folder / "a").string() + ": cannot write: File too large" ? 7 : 8);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(folder.size(), 1);
}

TEST(AtomicFolder, AppearsOnlyWithCommit) {
  const TemporaryFolder folder;
  AtomicFolder step(folder.path() / "run" / "step_1/");
  write_file(step.temporary() / "a", "1");
  EXPECT_FALSE(fs::exists(folder.path() / "run" / "step_1"));
  step.commit();
  EXPECT_EQ(read_file(folder.path() / "run" / "step_1" / "a"), "1");
}

TEST(AtomicFolder, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  {
    const AtomicFolder step(folder / "step_1");
    write_file(step.temporary() / "a", "1");
  }
  EXPECT_EQ(folder.size(), 0);
}

TEST(AtomicFolder, ReplacesAFolder) {
  const TemporaryFolder folder;
  for (const char* text : {"old", "new"}) {
    AtomicFolder step(folder / "step");
    write_file(step.temporary() / text, text);
    step.commit();
  }
  EXPECT_EQ(folder.size(), 1);
  EXPECT_FALSE(fs::exists(folder.path() / "step" / "old"));
  EXPECT_EQ(read_file(folder.path() / "step" / "new"), "new");
}

TEST(AtomicFolder, KilledBeforeCommitLeavesTheOldFolder) {
  const TemporaryFolder folder;
  AtomicFolder first(folder / "step");
  write_file(first.temporary() / "a", "old");
  first.commit();
  const int status = in_child([&] {
    const AtomicFolder second(folder / "step");
    write_file(second.temporary() / "a", "new");
    ::raise(SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(folder.path() / "step" / "a"), "old");
}

TEST(AtomicFolder, RefusesTheNameOfAFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "kept");
  EXPECT_TRUE(
      contains(error_of([&] { AtomicFolder step(folder / "a"); }), "a file of that name is there"));
  EXPECT_EQ(read_file(folder / "a"), "kept");
  EXPECT_EQ(folder.size(), 1);
}

}  // namespace
}  // namespace hone
