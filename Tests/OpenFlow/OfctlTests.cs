using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The orders that were recorded with Open vSwitch are given to this switch by the same ovs-ofctl: it prints the same.</summary>
public sealed partial class OfctlTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mergeflow-ofctl-").FullName;

    /// <summary>Files that the recorded orders name.</summary>
    private static readonly Dictionary<string, string> s_files = new()
    {
        ["flows"] = "tcp,tp_dst=80,actions=output:2\nudp,actions=drop\npriority=5,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:1\n",
        ["flows2"] = "icmp,actions=output:2\nudp,actions=drop\n",
        ["mixed"] = "flow add priority=7,arp,actions=output:1\ngroup add group_id=20,type=all,bucket=output:1\nflow delete udp\n",
        ["groups"] = "group_id=11,type=all,bucket=output:1,bucket=output:2\ngroup_id=12,type=indirect,bucket=output:2\n",
    };

    /// <summary>What this switch says in its own way: fields that it does not have, queues and counters of devices, eviction.</summary>
    private static readonly string[] s_ownWay = ["dump-table-features", "dump-ports", "mod-table", "dump-table-desc", "queue-stats", "dump-tables", "dump-aggregate", "ping"];

    public static TheoryData<string> Versions => ["10", "13", "14", "15"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Versions))]
    public void Recorded_orders_have_the_recorded_answers(string version)
    {
        if (!File.Exists("/usr/bin/ovs-ofctl")) Assert.Skip("ovs-ofctl is not installed");
        foreach ((string name, string text) in s_files) File.WriteAllText(Path.Combine(_folder, name), text);
        string path = Path.Combine(_folder, "br0.mgmt");
        using OfServer server = new(path, new PlainOfSwitch(), new OfConnectionGroup());
        Run(path, ["-O", "OpenFlow13", "add-meter", "br0", "meter=7,pktps,band=type=drop,rate=9"]);
        Run(path, ["-O", "OpenFlow13", "add-group", "br0", "group_id=70,type=all,bucket=output:1"]);
        List<string> differences = [];
        int compared = 0;
        foreach ((string[] args, int rc, string text) in Steps(version))
        {
            if (args.Any(static a => a.Contains("tun_metadata", StringComparison.Ordinal) && a.Contains("actions", StringComparison.Ordinal))) continue;
            (int ourRc, string ours) = Run(path, args);
            if (args.Any(s_ownWay.Contains)) continue;
            compared++;
            if (Plain(ours) != Plain(text) || ourRc != rc) differences.Add($"ovs-ofctl {string.Join(' ', args)}\n--- recorded ({rc})\n{Plain(text)}\n--- now ({ourRc})\n{Plain(ours)}");
        }

        Assert.True(differences.Count == 0, $"{differences.Count} differ:\n{string.Join('\n', differences)}");
        Assert.True(compared > 50, $"{compared} orders");
        Assert.True(SpinWait.SpinUntil(() => server.ConnectionCount == 0, TimeSpan.FromSeconds(20)), "a connection is left");
    }

    /// <summary>Without times, and numbers of messages; in an order that does not depend on hashes.</summary>
    private static string Plain(string text)
    {
        IEnumerable<string> lines = Times().Replace(text, "").Split('\n').Select(static l => l.TrimEnd());
        return string.Join('\n', lines.Order(StringComparer.Ordinal));
    }

    private (int ExitCode, string Text) Run(string path, string[] args)
    {
        ProcessStartInfo start = new("/usr/bin/ovs-ofctl") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string arg in args) start.ArgumentList.Add(arg == "br0" ? $"unix:{path}" : arg.StartsWith("RUN/", StringComparison.Ordinal) ? Path.Combine(_folder, arg[4..]) : arg);
        using Process process = Process.Start(start)!;
        System.Threading.Tasks.Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, (text + error.Result).Replace($"unix:{path}", "br0", StringComparison.Ordinal).TrimEnd('\n'));
    }

    private static IEnumerable<(string[] Args, int ExitCode, string Text)> Steps(string version)
    {
        using FileStream file = File.OpenRead(Path.Combine(RepositoryFiles.Root, "Tests", "Data", "openflow", $"steps-{version}.jsonl.gz"));
        using var text = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
        while (text.ReadLine() is { } line)
        {
            using var step = JsonDocument.Parse(line);
            JsonElement root = step.RootElement;
            yield return ([.. root.GetProperty("args").EnumerateArray().Select(static a => a.GetString()!)], root.GetProperty("rc").GetInt32(), root.GetProperty("out").GetString()!.TrimEnd('\n'));
        }
    }

    [GeneratedRegex(@"\(xid=0x[0-9a-f]+\)|\bduration[=:][0-9.]+s|(idle|hard)_age=\d+, ", RegexOptions.Multiline)]
    private static partial Regex Times();
}
