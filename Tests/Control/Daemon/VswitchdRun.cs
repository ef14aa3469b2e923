using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Mergeflow.Cli;
using Mergeflow.Control;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary><c>mergeflow vswitchd</c> as a process of its own beside a database server, asked by the tools of Open vSwitch. Skips the test where they are not installed.</summary>
internal sealed class VswitchdRun : IDisposable
{
    private readonly string[] _options;
    private Process? _process;
    private UnixctlClient? _client;

    public VswitchdRun(params string[] options)
    {
        _options = options;
        Assert.SkipUnless(File.Exists("/usr/bin/ovs-ofctl"), "ovs-ofctl is not installed");
    }

    /// <summary>Its database.</summary>
    public OvsdbServer Server { get; } = new();

    /// <summary>Its run directory, and the log.</summary>
    public TemporaryFolder Folder { get; } = new();

    public int ProcessId => _process!.Id;

    /// <summary>What it has logged, of all its runs.</summary>
    public string Log => File.Exists(Folder["log"]) ? File.ReadAllText(Folder["log"]) : "";

    public void Start()
    {
        ProcessStartInfo start = new("dotnet", [typeof(App).Assembly.Location, "vswitchd", Server.Remote, $"--log-file={Folder["log"]}", "-vconsole:off", .. _options]);
        start.Environment["OVS_RUNDIR"] = Path.GetDirectoryName(Folder["x"]);
        _process = Process.Start(start)!;
        string socket = Folder[$"ovs-vswitchd.{_process.Id}.ctl"];
        Eventually.True(() => File.Exists(socket), "it answers");
        _client = new UnixctlClient(socket);
    }

    /// <summary>Ends it as <c>ovs-appctl exit</c> does.</summary>
    public void Stop()
    {
        _client?.Transact("exit", []);
        _client?.Dispose();
        _client = null;
        if (_process is null) return;
        if (!_process.WaitForExit(60_000)) _process.Kill();
        int code = _process.ExitCode;
        _process.Dispose();
        _process = null;
        Assert.Equal(ExitCode.Ok, code);
    }

    /// <summary>As <c>ovs-vsctl</c>, which waits for the switch unless there is none.</summary>
    public string Vsctl(params string[] arguments) => _process is null ? Server.Vsctl(arguments) : Server.VsctlWaiting(arguments);

    /// <summary>As <c>ovs-appctl</c>.</summary>
    public string Ask(params string[] words)
    {
        (_, string? result, string? error) = _client!.Transact(words[0], words[1..]);
        Assert.Null(error);
        return result!;
    }

    /// <summary>What it says against a command of <c>ovs-appctl</c>.</summary>
    public string Refused(params string[] words) => _client!.Transact(words[0], words[1..]).Error ?? throw new Xunit.Sdk.XunitException($"{words[0]} is not refused");

    /// <summary>Frames of a capture in the folder.</summary>
    public int Frames(string file)
    {
        int count = 0;
        using CaptureReader reader = CaptureFile.Open(Folder[file]);
        while (reader.TryRead(out _)) count++;
        return count;
    }

    /// <summary>The frames as hex digits, a line each.</summary>
    public string Hex(string file)
    {
        System.Text.StringBuilder text = new();
        using CaptureReader reader = CaptureFile.Open(Folder[file]);
        while (reader.TryRead(out CaptureFrame frame)) text.AppendLine(Convert.ToHexStringLower(frame.Bytes));
        return text.ToString();
    }

    /// <summary>As <c>ovs-ofctl COMMAND BRIDGE ...</c>.</summary>
    public string Ofctl(string command, string bridge, params string[] more)
    {
        using LiveProcess process = new("ovs-ofctl", ["-O", "OpenFlow14", command, $"unix:{Folder[$"{bridge}.mgmt"]}", .. more]);
        (int code, string text) = process.End(seconds: 60);
        Assert.True(code == 0, $"ovs-ofctl {command}: {text}");
        return text;
    }

    /// <summary>All flows of a bridge are these.</summary>
    public void SetFlows(string bridge, string flows) => Ofctl("replace-flows", bridge, Folder.Write("flows", flows));

    /// <summary>What OpenFlow says that a port has received and sent: packets and bytes.</summary>
    public (ulong RxPackets, ulong RxBytes, ulong TxPackets, ulong TxBytes) Port(string bridge, int port)
    {
        string text = Ofctl("dump-ports", bridge, port.ToString(CultureInfo.InvariantCulture));
        ulong[] n = [.. Regex.Matches(text, "(?:pkts|bytes)=([0-9]+)").Select(static m => ulong.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))];
        Assert.True(n.Length == 4, text);
        return (n[0], n[1], n[2], n[3]);
    }

    public void Dispose()
    {
        try
        {
            Stop();
        }
        finally
        {
            Folder.Dispose();
            Server.Dispose();
        }
    }
}
