using System.Text.RegularExpressions;
using Mergeflow.Control;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Log lines and the counters of what has happened, as Open vSwitch has them.</summary>
public sealed partial class VlogTests : IDisposable
{
    private readonly StringWriter _console = new();
    private readonly TemporaryFolder _folder = new();
    private readonly Vlog _log;

    public VlogTests() => _log = new Vlog(_console);

    public void Dispose()
    {
        _log.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Lines_have_a_time_a_number_a_module_and_a_level()
    {
        _log.OpenFile(_folder["log"]);
        _log.Write("bridge", VlogLevel.Warn, "two\nlines");
        _log.Write("bridge", VlogLevel.Dbg, "unheard");
        string[] lines = File.ReadAllLines(_folder["log"]);
        Assert.Equal(2, lines.Length);
        Assert.Matches(Line(), lines[1]);
        Assert.EndsWith("|00002|bridge|WARN|two lines", lines[1], StringComparison.Ordinal);
        Assert.Contains("|00002|bridge|WARN|two lines", _console.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("console:off", "bridge             OFF       INFO       INFO")]
    [InlineData("console:emer", "bridge            EMER       INFO       INFO")]
    [InlineData("bridge:file:dbg", "bridge            INFO       INFO        DBG")]
    [InlineData("file,bridge", "bridge            INFO       INFO        DBG")]
    [InlineData("dbg", "bridge             DBG        DBG        DBG")]
    [InlineData("any:syslog:err", "bridge            INFO        ERR       INFO")]
    public void Levels_are_set_by_words_in_any_order(string words, string expected)
    {
        Assert.Null(_log.Set(words));
        Assert.Contains(expected + "\n", _log.List(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("console:file:dbg")]
    [InlineData("dbg:info")]
    [InlineData("bridge:a/b")]
    [InlineData("bridge:ofproto")]
    [InlineData("foo")]
    [InlineData("foo:console:dbg")]
    [InlineData("any:loud")]
    public void Words_that_make_no_sense_are_refused_and_change_nothing(string words)
    {
        string before = _log.List();
        Assert.NotNull(_log.Set(words));
        Assert.Equal(before, _log.List());
    }

    [Fact]
    public void A_file_that_was_moved_away_is_begun_anew()
    {
        Assert.Throws<UnixctlException>(_log.Reopen);
        _log.OpenFile(_folder["log"]);
        File.Move(_folder["log"], _folder["log.1"]);
        _log.Write("bridge", VlogLevel.Info, "before");
        _log.Reopen();
        _log.Write("bridge", VlogLevel.Info, "after");
        Assert.EndsWith("|before", File.ReadAllLines(_folder["log.1"])[^1], StringComparison.Ordinal);
        Assert.EndsWith("|after", Assert.Single(File.ReadAllLines(_folder["log"])), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pid_file_is_locked_as_long_as_its_process_lives()
    {
        string path = _folder["x.pid"];
        File.WriteAllText(path, "1\n");
        using (new LockedPidFile(path)) Assert.Equal($"{Environment.ProcessId}\n", File.ReadAllText(path));
        Assert.False(File.Exists(path));
        Assert.Empty(_folder.Names);
    }

    [Fact]
    public void Rates_are_those_of_the_last_seconds_minute_and_hour()
    {
        CoverageHistory history = new();
        for (int i = 0; i <= 24; i++) history.Sample(i * (long)CoverageHistory.PeriodMs, [("often", (ulong)(10 * i)), ("never", 0)]);
        history.Sample((24 * (long)CoverageHistory.PeriodMs) + 1, [("often", 999)]);
        Assert.Equal(240UL, history.Read("often"));
        Assert.Null(history.Read("unknown"));
        string shown = history.Show();
        Assert.Contains("often                      2.0/sec     2.000/sec        0.0667/sec   total: 240\n", shown, StringComparison.Ordinal);
        Assert.Contains("1 events never hit\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("never ", shown.Replace("never hit", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\|\d{5}\|\w+\|[A-Z]+\|")]
    private static partial Regex Line();
}
