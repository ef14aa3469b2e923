using System.Diagnostics;
using System.Net.Sockets;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The installed <c>ovsdb-server</c> with an empty <c>Open_vSwitch</c> database in a folder of its own; tests skip where it is not installed.</summary>
internal sealed class OvsdbServer : IDisposable
{
    private const string SchemaPath = "/usr/share/openvswitch/vswitch.ovsschema";
    private readonly TemporaryFolder _folder = new();
    private Process? _process;

    public OvsdbServer()
    {
        Assert.SkipUnless(IsInstalled, "ovsdb-server is not installed");
        Run("ovsdb-tool", "create", _folder["conf.db"], SchemaPath);
        Start();
        Run("ovs-vsctl", $"--db={Remote}", "--no-wait", "init");
    }

    public static bool IsInstalled => File.Exists("/usr/sbin/ovsdb-server") && File.Exists("/usr/bin/ovsdb-tool") && File.Exists(SchemaPath);

    public static string Schema => File.ReadAllText(SchemaPath);

    public string Remote => $"unix:{_folder["db.sock"]}";

    public void Start()
    {
        ProcessStartInfo start = new("/usr/sbin/ovsdb-server", [_folder["conf.db"], $"--remote=punix:{_folder["db.sock"]}", "-vconsole:off", $"--unixctl={_folder["ctl"]}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OVS_RUNDIR"] = Path.GetDirectoryName(_folder["x"]);
        _process = Process.Start(start)!;
        Eventually.True(Answers, "ovsdb-server listens");
    }

    public void Stop()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
        File.Delete(_folder["db.sock"]);
    }

    /// <summary>Runs <c>ovs-vsctl</c> without waiting for a switch; returns what it prints.</summary>
    public string Vsctl(params string[] arguments) => Run("ovs-vsctl", [$"--db={Remote}", "--no-wait", .. arguments]);

    /// <summary>Runs <c>ovs-vsctl</c>, which waits for the switch; returns what it prints, errors too.</summary>
    public string VsctlWaiting(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("ovs-vsctl", [$"--db={Remote}", "--timeout=30", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (output + string.Join('\n', errors.Result.Split('\n').Where(static l => l.Contains("rror", StringComparison.Ordinal)))).Trim();
    }

    /// <summary>A client that follows the database.</summary>
    public OvsdbClient Client(AutoResetEvent wake) => new(OvsdbRemote.Parse(Remote), new OvsdbSession(new OvsdbReplica(VswitchTables.All), VswitchTables.Database, VswitchTables.Lock), () => wake.Set(), static _ => { });

    public void Dispose()
    {
        Stop();
        _folder.Dispose();
    }

    /// <summary>The file is there before anybody listens.</summary>
    private bool Answers()
    {
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(_folder["db.sock"]));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program}: {errors.Result}");
        return output.Trim();
    }
}
