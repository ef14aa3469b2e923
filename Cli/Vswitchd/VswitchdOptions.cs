using System.CommandLine;
using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.OpenFlow;
using Mergeflow.Control.Ovsdb;

namespace Mergeflow.Cli;

/// <summary>The options of <c>ovs-vswitchd</c>(8).</summary>
internal sealed class VswitchdOptions
{
    /// <summary>Name of pid file, log file and control socket: that under which <c>ovs-appctl</c> and <c>ovs-ctl</c> look for the switch.</summary>
    private const string Program = "ovs-vswitchd";

    /// <summary>Stands for a value that is missing; no file and no level is called so.</summary>
    private const string Missing = "\u0001";

    private readonly Argument<string?> _database = new("DATABASE") { Description = "Server of the database: unix:FILE or tcp:ADDRESS[:PORT]; default: unix:db.sock in the run folder.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _pidFile = new("--pidfile") { HelpName = "FILE", Description = $"Write the number of the process there, locked; without FILE {Program}.pid in the run folder." };
    private readonly Option<string?> _logFile = new("--log-file") { HelpName = "FILE", Description = $"Write log lines there; without FILE {Program}.log in the log folder." };
    private readonly Option<string?> _unixctl = new("--unixctl") { HelpName = "SOCKET", Description = $"Control socket; default: {Program}.PID.ctl in the run folder." };
    private readonly Option<string[]> _verbose = new("--verbose", "-v") { HelpName = "SPEC", Description = "Levels of log lines, as vlog/set takes them: module, console or file, level." };
    private readonly Option<bool> _detach = new("--detach") { Description = "Go into the background once it runs." };
    private readonly Option<bool> _monitor = new("--monitor") { Description = "Have another process start it again when it fails." };
    private readonly Option<bool> _noChangeFolder = new("--no-chdir") { Description = "Stay in this folder." };
    private readonly Option<bool> _overwritePidFile = new("--overwrite-pidfile") { Description = "Accepted: a file that is left over is replaced anyway." };
    private readonly Option<bool> _lockMemory = new("--mlockall") { Description = "Keep memory from being swapped out." };
    private readonly Option<bool> _disableSystem = new("--disable-system") { Description = "With --enable-dummy: do not open network devices of the kernel; without it accepted, as there is no kernel datapath." };
    private readonly Option<string?> _enableDummy = new("--enable-dummy") { HelpName = "LEVEL", Description = "Have ports and bridges without devices, for tests; system or override: in the place of others." };
    private readonly Option<string?> _dummyNuma = new("--dummy-numa") { HelpName = "NODES", Description = "Memory nodes of the processors that are said to be there, for tests: 0,0,1,1." };
    private readonly Option<bool> _disableSystemRoute = new("--disable-system-route") { Description = "Tunnels take no routes of the kernel, only those of ovs/route/add; for tests." };
    private readonly Option<string?> _privateKey = new("--private-key", "-p") { HelpName = "FILE", Description = "Key of the switch for connections by TLS, PEM." };
    private readonly Option<string?> _certificate = new("--certificate", "-c") { HelpName = "FILE", Description = "Its certificate, PEM." };
    private readonly Option<string?> _caCertificate = new("--ca-cert", "-C") { HelpName = "FILE", Description = "Certificate of the authority whose holders are let in, PEM." };
    private readonly Option<string?> _bootstrapCaCertificate = new("--bootstrap-ca-cert") { HelpName = "FILE", Description = "The same; made from what the first controller shows, if it is not there." };
    private readonly Option<bool> _noConfinement = new("--no-self-confinement") { Description = "Sockets that the database names may be anywhere." };
    private readonly Option<bool> _version = new("--version", "-V") { Description = "Say which release of Open vSwitch is repeated, as ovs-ctl asks for it." };
    private readonly Option<string?> _quirks = new("--quirks") { HelpName = "ovs-3.1|none", Description = "Whose faults are repeated; with ovs-3.1 megaflows are as narrow as those of Open vSwitch." };
    private readonly Option<string?> _user = new("--user") { HelpName = "USER:GROUP", Description = "Only the user who starts it: another one is refused." };

    /// <summary>
    /// Options whose value may be missing take it only behind <c>=</c>, as getopt(3) has it: <c>--pidfile unix:db.sock</c> names a database. Here they get an empty one.
    /// </summary>
    public static string[] WithValues(string[] arguments)
        => arguments is ["vswitchd", ..] ? [.. arguments.Select(static a => a is "--pidfile" or "--log-file" or "--verbose" or "--enable-dummy" ? $"{a}={Missing}" : a is "-v" ? $"-v{Missing}" : a)] : arguments;

    public void AddTo(Command command)
    {
        command.Arguments.Add(_database);
        foreach (Option option in new Option[] { _version, _pidFile, _logFile, _unixctl, _verbose, _detach, _monitor, _noChangeFolder, _overwritePidFile, _lockMemory, _enableDummy, _disableSystem, _disableSystemRoute, _dummyNuma, _quirks, _user, _privateKey, _certificate, _caCertificate, _bootstrapCaCertificate, _noConfinement }) command.Options.Add(option);
    }

    /// <summary>Only the release is asked for.</summary>
    public bool AsksForVersion(ParseResult parsed) => parsed.GetValue(_version);

    /// <summary>Puts the options together.</summary>
    /// <exception cref="CommandFailedException">They make no sense.</exception>
    public VswitchdArguments Resolve(ParseResult parsed)
    {
        if (!OperatingSystem.IsLinux()) throw new CommandFailedException(ExitCode.MissingFeature, "vswitchd needs Linux");
        if (parsed.GetValue(_user) is { } user && user.Split(':')[0] is { Length: > 0 } name && name != Environment.UserName)
            throw new CommandFailedException(ExitCode.MissingFeature, $"--user={user}: the switch stays the user who starts it ({Environment.UserName}): start it as {name}, with CAP_NET_ADMIN and CAP_NET_RAW");
        return new VswitchdArguments
        {
            Database = Remote(parsed.GetValue(_database) ?? $"unix:{OvsFolders.InRun("db.sock")}"),
            PidFile = parsed.GetValue(_pidFile) is { } pid ? OvsFolders.InRun(pid == Missing ? $"{Program}.pid" : pid) : null,
            LogFile = parsed.GetValue(_logFile) is { } log ? OvsFolders.InLog(log == Missing ? $"{Program}.log" : log) : null,
            Unixctl = OvsFolders.InRun(parsed.GetValue(_unixctl) ?? string.Create(CultureInfo.InvariantCulture, $"{Program}.{Environment.ProcessId}.ctl")),
            Tls = Tls(parsed),
            IsConfined = !parsed.GetValue(_noConfinement),
            Quirks = parsed.GetValue(_quirks) is { } quirks ? Quirks.Find(quirks) ?? throw new CommandFailedException(ExitCode.Usage, $"--quirks: '{quirks}' is none of {string.Join(", ", Quirks.All)}") : null,
            Dummies = parsed.GetValue(_enableDummy) switch
            {
                null => DummyMode.None,
                Missing or "" => DummyMode.Beside,
                "system" => DummyMode.System,
                "override" => DummyMode.Override,
                var other => throw new CommandFailedException(ExitCode.Usage, $"{other}: unknown dummy level"),
            },
            IsSystemDisabled = parsed.GetValue(_disableSystem) && parsed.GetValue(_enableDummy) is not null,
            IsSystemRouteDisabled = parsed.GetValue(_disableSystemRoute),
            DummyNuma = parsed.GetValue(_dummyNuma),
            LocksMemory = parsed.GetValue(_lockMemory),
            IsDetached = parsed.GetValue(_detach),
            IsMonitored = parsed.GetValue(_monitor),
            StaysInFolder = parsed.GetValue(_noChangeFolder),
            Verbosity = [.. (parsed.GetValue(_verbose) ?? []).Select(static v => v == Missing ? "dbg" : v)],
        };
    }

    private OfTlsFiles? Tls(ParseResult parsed)
    {
        (string? key, string? own, string? authority, string? bootstrap) = (parsed.GetValue(_privateKey), parsed.GetValue(_certificate), parsed.GetValue(_caCertificate), parsed.GetValue(_bootstrapCaCertificate));
        if (key is null && own is null && authority is null && bootstrap is null) return null;
        if (key is null || own is null || (authority ?? bootstrap) is not { } file) throw new CommandFailedException(ExitCode.Usage, "--private-key, --certificate and --ca-cert go together");
        return new OfTlsFiles(key, own, file, authority is null);
    }

    private static OvsdbRemote Remote(string text)
    {
        try
        {
            return OvsdbRemote.Parse(text);
        }
        catch (FormatException e)
        {
            throw new CommandFailedException(ExitCode.Usage, $"DATABASE: {e.Message}");
        }
    }
}
