using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary><c>other_config:hw-offload</c> and <c>mergeflow-offload=kernel</c> of a database, on bridges with devices: what is established stays in the kernel, and is counted wherever Open vSwitch's tools look.</summary>
public sealed class VswitchdKernelTests
{
    private const int Megabytes = 256;
    private const ulong StreamBytes = (ulong)Megabytes << 20;

    private const string Firewall =
        """
        table=0,priority=10,arp actions=normal
        table=0,priority=5,ip actions=ct(table=1)
        table=1,priority=9,ct_state=+trk+new,in_port=1,ip actions=ct(commit),output:2
        table=1,priority=8,cookie=0x8,ct_state=+trk+est,in_port=1,ip actions=output:2
        table=1,priority=8,cookie=0x9,ct_state=+trk+est,in_port=2,ip actions=output:1
        table=1,priority=0 actions=drop
        """;

    [Theory]
    [InlineData("hw-offload=true", "10.91.0")]
    [InlineData("mergeflow-offload=kernel", "10.92.0")]
    public void Established_traffic_of_a_bridge_stays_in_the_kernel_and_is_counted(string setting, string net)
    {
        using LiveLab lab = new();
        using VswitchdRun run = new();
        string a = lab.AddHost("a", [$"{net}.1/24"]), b = lab.AddHost("b", [$"{net}.2/24"]), to = $"{net}.2", bridge = lab.DeviceName("x");
        run.Vsctl("set", "open", ".", $"other_config:{setting}");
        run.Start();
        AddBridge(run, bridge, a, b);
        run.SetFlows(bridge, Firewall);
        LiveStream.Send(lab, "a", "b", to, megabytes: Megabytes, taken: () => Shares(run, bridge).Offloaded);
        Assert.DoesNotContain("software", run.Log, StringComparison.Ordinal);

        // Merged rules were most of it, and nothing is left over.
        (ulong offloaded, ulong all) = Shares(run, bridge);
        Assert.InRange(all, StreamBytes, 2 * StreamBytes);
        Assert.True(offloaded > all / 4 * 3, $"{offloaded} of {all} bytes were offloaded");
        string flows = run.Ask("dpctl/dump-flows", "type=offloaded", "-m");
        Assert.Contains("offloaded:yes", flows, StringComparison.Ordinal);

        // Ports, rules and the database count what no thread here has seen.
        (ulong _, ulong received, ulong _, ulong _) = run.Port(bridge, 1);
        (ulong _, ulong _, ulong _, ulong sent) = run.Port(bridge, 2);
        Assert.InRange(received, StreamBytes, 2 * StreamBytes);
        Assert.InRange(sent, StreamBytes, 2 * StreamBytes);
        Assert.InRange(BytesOfFlow(run, bridge, 8), StreamBytes, 2 * StreamBytes);
        LiveLab.WaitFor(() => Counted(run, a, "rx_bytes") >= StreamBytes && Counted(run, b, "tx_bytes") >= StreamBytes, "statistics of interfaces");
        AssertWhole(run.Ask("mergeflow/offload-audit", bridge));

        // A flow that goes takes what was merged from it out of the kernel.
        run.SetFlows(bridge, "actions=drop");
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "2", "-i", "0.2", "-W", "1", to).Code);
        Assert.All(
            run.Ask("dpctl/dump-flows", "-m").Split('\n').Where(static l => l.Contains("offloaded:yes", StringComparison.Ordinal)),
            static l => Assert.EndsWith("actions:drop", l.TrimEnd(), StringComparison.Ordinal));
        run.SetFlows(bridge, Firewall);
        lab.Must("a", "ping", "-c", "3", "-i", "0.2", "-W", "5", to);

        // A switch that starts finds a clean kernel.
        run.Stop();
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "1", "-W", "1", to).Code);
        run.Start();
        LiveLab.WaitFor(() => run.Ask("dpctl/show").Contains(b, StringComparison.Ordinal), "the ports again");
        run.SetFlows(bridge, Firewall);
        LiveStream.Send(lab, "a", "b", to, port: 5003, megabytes: Megabytes, taken: () => Shares(run, bridge).Offloaded);
        (offloaded, all) = Shares(run, bridge);
        Assert.True(offloaded > all / 4 * 3, $"{offloaded} of {all} bytes were offloaded");
    }

    /// <summary>Bridges share a datapath and its rules in the kernel; what goes from one to the other by a patch arrives.</summary>
    [Fact]
    public void Two_bridges_have_rules_of_their_own_and_a_change_of_one_leaves_the_other_alone()
    {
        using LiveLab lab = new();
        using VswitchdRun run = new();
        string a = lab.AddHost("a", ["10.93.0.1/24"]), b = lab.AddHost("b", ["10.93.0.2/24"]), c = lab.AddHost("c", ["10.93.0.3/24"]), d = lab.AddHost("d", ["10.93.0.4/24"]);
        string x = lab.DeviceName("x"), y = lab.DeviceName("y");
        run.Vsctl("set", "open", ".", "other_config:hw-offload=true");
        run.Start();
        AddBridge(run, x, a, b);
        AddBridge(run, y, c, d);
        run.Vsctl("add-port", x, "px", "--", "set", "interface", "px", "type=patch", "options:peer=py", "--", "add-port", y, "py", "--", "set", "interface", "py", "type=patch", "options:peer=px");
        LiveStream.Send(lab, "a", "b", "10.93.0.2", megabytes: Megabytes, taken: () => Shares(run, x).Offloaded);
        LiveStream.Send(lab, "c", "d", "10.93.0.4", megabytes: Megabytes, taken: () => Shares(run, y).Offloaded);
        LiveStream.Send(lab, "a", "d", "10.93.0.4", port: 5004, megabytes: 8);
        foreach (string bridge in new[] { x, y })
        {
            (ulong offloaded, ulong all) = Shares(run, bridge);
            Assert.True(offloaded > all / 4 * 3, $"{bridge}: {offloaded} of {all} bytes were offloaded");
        }

        run.SetFlows(x, "actions=drop");
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "1", "-W", "1", "10.93.0.2").Code);
        (ulong _, ulong before, ulong _, ulong _) = run.Port(y, 1);
        LiveStream.Send(lab, "c", "d", "10.93.0.4", port: 5005, megabytes: Megabytes);
        (ulong _, ulong after, ulong _, ulong _) = run.Port(y, 1);
        Assert.InRange(after - before, StreamBytes, 2 * StreamBytes);
    }

    /// <summary>As with Open vSwitch, which says of <c>hw-offload</c> that it needs a restart.</summary>
    [Fact]
    public void A_value_that_changes_is_for_new_datapaths_and_the_next_start_which_is_said_once()
    {
        using LiveLab lab = new();
        using VswitchdRun run = new();
        string a = lab.AddHost("a", ["10.94.0.1/24"]), b = lab.AddHost("b", ["10.94.0.2/24"]), bridge = lab.DeviceName("x");
        run.Start();
        AddBridge(run, bridge, a, b);
        run.Vsctl("set", "open", ".", "other_config:hw-offload=true");
        run.Vsctl("set", "open", ".", "other_config:max-idle=9000");
        Assert.Single(Regex.Matches(run.Log, "keep soft until the switch starts anew"));
        run.Stop();
        run.Start();
        LiveLab.WaitFor(() => run.Ask("dpctl/show").Contains(b, StringComparison.Ordinal), "the ports again");
        LiveStream.Send(lab, "a", "b", "10.94.0.2", megabytes: Megabytes, taken: () => Shares(run, bridge).Offloaded);
        (ulong offloaded, ulong all) = Shares(run, bridge);
        Assert.True(offloaded > all / 4 * 3, $"{offloaded} of {all} bytes were offloaded");

        // Rules in the kernel stand behind a TAP for each port; software has none.
        Assert.Equal(2, Taps(run));
    }

    private static void AddBridge(VswitchdRun run, string bridge, string one, string two)
        => Assert.Equal("", run.Vsctl("add-br", bridge, "--", "add-port", bridge, one, "--", "set", "interface", one, "ofport_request=1", "--", "add-port", bridge, two, "--", "set", "interface", two, "ofport_request=2"));

    private static int Taps(VswitchdRun run)
        => Directory.GetFiles($"/proc/{run.ProcessId}/fdinfo").Count(static f => Regex.IsMatch(ReadIfThere(f), "^iff:\\s*mfu", RegexOptions.Multiline));

    private static string ReadIfThere(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Bytes by merged rules, and all that came.</summary>
    private static (ulong Offloaded, ulong All) Shares(VswitchdRun run, string bridge)
    {
        string text = run.Ask("mergeflow/offload-stats", bridge);
        return (BytesOf("took a merged rule"), BytesOf("all"));

        ulong BytesOf(string row)
        {
            System.Text.RegularExpressions.Match m = Regex.Match(text, $@"\| {row} *\| *([0-9,]+) *\| *[0-9.]+ *\| *([0-9,]+) *\|");
            Assert.True(m.Success, text);
            return ulong.Parse(m.Groups[2].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
        }
    }

    private static ulong BytesOfFlow(VswitchdRun run, string bridge, int cookie)
    {
        string text = run.Ofctl("dump-flows", bridge, $"cookie={cookie}/-1");
        return ulong.Parse(Regex.Match(text, "n_bytes=([0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static ulong Counted(VswitchdRun run, string port, string counter)
        => ulong.TryParse(run.Vsctl("get", "interface", port, $"statistics:{counter}"), NumberStyles.None, CultureInfo.InvariantCulture, out ulong n) ? n : 0;

    private static void AssertWhole(string ledger)
    {
        MatchCollection unexplained = Regex.Matches(ledger, "unexplained[\\s|]+(-?[0-9,]+)");
        Assert.Equal(2, unexplained.Count);
        Assert.All(unexplained, m => Assert.True(m.Groups[1].Value == "0", ledger));
    }
}
