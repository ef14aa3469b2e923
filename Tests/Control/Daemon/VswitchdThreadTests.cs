using System.Globalization;
using System.Text.RegularExpressions;
using Mergeflow.Cli;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the database and the command line say of threads, memory and the user of the process, seen from outside of it.</summary>
public sealed class VswitchdThreadTests
{
    [Fact]
    public void A_mask_of_processors_has_a_packet_thread_on_each_of_them_for_all_bridges()
    {
        int[] allowed = PacketCpus.OfProcess;
        Assert.SkipUnless(allowed.Length > 1, "one processor");
        int[] cpus = [allowed[0], allowed[^1]];
        UInt128 mask = cpus.Aggregate(UInt128.Zero, static (m, c) => m | (UInt128.One << c));
        using VswitchdRun run = new("--enable-dummy", "--disable-system");
        run.Vsctl("set", "open", ".", $"other_config:pmd-cpu-mask=0x{mask:x}");
        run.Start();
        AddBridge(run, "br0");
        AddBridge(run, "br1");
        Assert.Equal(2, ThreadsShown(run));
        foreach (int cpu in cpus) Assert.Equal(1, Pinned(run, cpu));

        // Threads follow the mask while the switch runs, and after the next start.
        run.Vsctl("set", "open", ".", $"other_config:pmd-cpu-mask=0x{UInt128.One << cpus[1]:x}");
        OneIsLeft();
        run.Stop();
        run.Start();
        Eventually.True(() => run.Ask("dpif/show").Contains("br1p", StringComparison.Ordinal), "the bridges are there");
        Eventually.True(() => ThreadsShown(run) == 1, "one thread");
        OneIsLeft();

        void OneIsLeft()
        {
            Assert.Equal(1, ThreadsShown(run));
            Assert.Equal(1, Pinned(run, cpus[1]));
            Assert.Equal(0, Pinned(run, cpus[0]));

            // All others have what is left.
            string left = string.Join(',', allowed.Where(c => c != cpus[1]));
            if (allowed.Length == 2) Eventually.True(() => Threads(run).Where(static t => !IsForPackets(t)).All(t => Value(t, "Cpus_allowed_list") == left), "other threads are kept off");
        }
    }

    [Fact]
    public void A_mask_is_for_datapaths_that_are_made_behind_it()
    {
        using VswitchdRun run = new("--enable-dummy", "--disable-system");
        run.Start();
        AddBridge(run, "br0");
        run.Vsctl("set", "open", ".", $"other_config:pmd-cpu-mask={UInt128.One << PacketCpus.OfProcess[0]:x}");
        Assert.Equal(0, ThreadsShown(run));
        Assert.Contains("WARN|other_config:pmd-cpu-mask: the datapath was made without it", run.Log, StringComparison.Ordinal);
        Assert.Contains("main thread:\n  port: br0p", run.Ask("dpif-netdev/pmd-rxq-show"), StringComparison.Ordinal);
        run.Vsctl("del-br", "br0");
        AddBridge(run, "br1");
        Assert.Equal(1, ThreadsShown(run));
    }

    [Fact]
    public void A_mask_that_is_no_mask_is_said_and_leaves_the_main_thread()
    {
        using VswitchdRun run = new("--enable-dummy", "--disable-system");
        run.Vsctl("set", "open", ".", "other_config:pmd-cpu-mask=3g");
        run.Start();
        AddBridge(run, "br0");
        Assert.Equal(0, ThreadsShown(run));
        Assert.Contains("pmd-cpu-mask=3g: expected hexadecimal digits", run.Log, StringComparison.Ordinal);
    }

    /// <summary>The datapath is made with its first bridge, and goes with its last one.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Handlers_are_threads_of_the_datapath_for_all_bridges(int handlers)
    {
        using VswitchdRun run = new("--enable-dummy", "--disable-system");
        run.Start();
        AddBridge(run, "br0");
        Assert.Equal(0, Named(run, "handler"));
        run.Vsctl("set", "open", ".", $"other_config:n-handler-threads={handlers}");
        run.Vsctl("del-br", "br0");
        AddBridge(run, "br1");
        AddBridge(run, "br2");
        Assert.Equal(handlers, Named(run, "handler"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Memory_is_locked_when_that_is_asked_for(bool isAsked)
    {
        Assert.SkipUnless(Environment.UserName == "root", "needs root");
        using VswitchdRun run = new(isAsked ? ["--mlockall", "--enable-dummy", "--disable-system"] : ["--enable-dummy", "--disable-system"]);
        run.Start();
        string locked = File.ReadAllLines($"/proc/{run.ProcessId}/status").Single(static l => l.StartsWith("VmLck:", StringComparison.Ordinal));
        Assert.Equal(isAsked, long.Parse(Regex.Match(locked, "[0-9]+").Value, CultureInfo.InvariantCulture) > 0);
        Assert.DoesNotContain("mlockall failed", run.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nobody:nogroup", "nobody")]
    [InlineData("openvswitch:hugetlbfs", "openvswitch")]
    public void Another_user_is_refused_in_one_line(string user, string name)
    {
        Assert.SkipWhen(Environment.UserName == name, $"this is {name}");
        using StringWriter error = new();
        Assert.Equal(ExitCode.MissingFeature, App.Run(["vswitchd", $"--user={user}"], TextWriter.Null, error, TestContext.Current.CancellationToken));
        string line = Assert.Single(error.ToString().TrimEnd('\n').Split('\n'));
        Assert.Contains($"--user={user}", line, StringComparison.Ordinal);
        Assert.Contains($"start it as {name}", line, StringComparison.Ordinal);
    }

    private static void AddBridge(VswitchdRun run, string name)
        => Assert.Equal("", run.Vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=dummy", "--", "add-port", name, $"{name}p", "--", "set", "interface", $"{name}p", "type=dummy-pmd"));

    private static int ThreadsShown(VswitchdRun run) => Regex.Count(run.Ask("dpif-netdev/pmd-rxq-show"), "pmd thread numa_id [0-9]+ core_id [0-9]+:");

    /// <summary>Packet threads that may run on one processor alone.</summary>
    private static int Pinned(VswitchdRun run, int cpu) => Threads(run).Count(t => IsForPackets(t) && Value(t, "Cpus_allowed_list") == cpu.ToString(CultureInfo.InvariantCulture));

    /// <summary>Not the thread of ports that have no packet threads, <c>main thread</c> of <c>pmd-rxq-show</c>.</summary>
    private static bool IsForPackets(string status) => Regex.IsMatch(Value(status, "Name"), "^pmd[1-9]");

    private static int Named(VswitchdRun run, string part) => Threads(run).Count(t => Value(t, "Name").Contains(part, StringComparison.Ordinal));

    private static string Value(string status, string name) => Regex.Match(status, $"^{name}:\\s*(.*)$", RegexOptions.Multiline).Groups[1].Value;

    private static IEnumerable<string> Threads(VswitchdRun run)
    {
        foreach (string task in Directory.GetDirectories($"/proc/{run.ProcessId}/task"))
        {
            string status;
            try
            {
                status = File.ReadAllText(Path.Combine(task, "status"));
            }
            catch (IOException)
            {
                // It has ended.
                continue;
            }

            yield return status;
        }
    }
}
