using System.Globalization;
using System.Text;

namespace Mergeflow.Control;

/// <summary>How loud a line is (OVS <c>enum vlog_level</c>).</summary>
public enum VlogLevel : byte
{
    /// <summary>Nothing is that loud.</summary>
    Off,

    /// <summary>The process ends.</summary>
    Emer,

    /// <summary>Something failed.</summary>
    Err,

    /// <summary>Something is not as it should be.</summary>
    Warn,

    /// <summary>Something happened.</summary>
    Info,

    /// <summary>For who looks for a fault.</summary>
    Dbg,
}

/// <summary>
/// Log lines as Open vSwitch writes them, to a file and to standard error, with a level for each module and destination (OVS <c>lib/vlog.c</c>). A destination <c>syslog</c> is accepted and goes nowhere. For any thread.
/// </summary>
public sealed class Vlog : IDisposable
{
    private static readonly string[] s_destinations = ["console", "syslog", "file"];

    /// <summary>Those of Open vSwitch 3.1: who sets levels may name each of them, also where nothing is said of it here.</summary>
    private static readonly string[] s_modules =
    [
        "backtrace", "bfd", "bond", "bridge", "bundle", "bundles", "cfm", "collectors", "command_line", "connmgr", "conntrack", "conntrack_tp", "coverage", "ct_dpif", "daemon", "daemon_unix", "dns_resolve", "dpdk", "dpif",
        "dpif_lookup_autovalidator", "dpif_lookup_generic", "dpif_mfex_extract_study", "dpif_netdev", "dpif_netdev_extract", "dpif_netdev_impl", "dpif_netdev_lookup", "dpif_netlink", "dpif_netlink_rtnl", "entropy", "fail_open",
        "fatal_signal", "flow", "hmap", "in_band", "ipf", "ipfix", "jsonrpc", "lacp", "lldp", "lldpd", "lldpd_structs", "lockfile", "memory", "meta_flow", "native_tnl", "netdev", "netdev_afxdp", "netdev_dummy", "netdev_linux",
        "netdev_offload", "netdev_offload_tc", "netdev_vport", "netflow", "netlink", "netlink_conntrack", "netlink_notifier", "netlink_socket", "nx_match", "odp_execute", "odp_execute_impl", "odp_util", "ofp_actions",
        "ofp_bundle", "ofp_connection", "ofp_errors", "ofp_flow", "ofp_group", "ofp_match", "ofp_meter", "ofp_monitor", "ofp_msgs", "ofp_packet", "ofp_port", "ofp_protocol", "ofp_queue", "ofp_table", "ofp_util", "ofproto",
        "ofproto_dpif", "ofproto_dpif_mirror", "ofproto_dpif_monitor", "ofproto_dpif_rid", "ofproto_dpif_upcall", "ofproto_dpif_xlate", "ofproto_xlate_cache", "ovs_lldp", "ovs_numa", "ovs_rcu", "ovs_replay", "ovs_router",
        "ovs_thread", "ovsdb_cs", "ovsdb_error", "ovsdb_idl", "ox_stat", "pcap", "pmd_perf", "poll_loop", "process", "rconn", "reconnect", "route_table", "rstp", "rstp_sm", "sflow", "sha1", "signals", "socket_util",
        "socket_util_unix", "stp", "stream", "stream_fd", "stream_replay", "stream_ssl", "stream_tcp", "stream_unix", "svec", "system_stats", "tc", "timeval", "tunnel", "unixctl", "userspace_tso", "util", "uuid", "vconn",
        "vconn_stream", "vlog", "vswitchd",
    ];

    private readonly Lock _lock = new();
    private TextWriter _console;
    private readonly SortedDictionary<string, VlogLevel[]> _levels = new(StringComparer.Ordinal);
    private string? _path;
    private StreamWriter? _file;
    private long _count;

    /// <summary>Some level is another one now. By the thread that has set it.</summary>
    public event Action? LevelsChanged;

    /// <summary>A log without a file; everything from <see cref="VlogLevel.Info"/> up goes to the console.</summary>
    public Vlog(TextWriter console)
    {
        _console = console;
        foreach (string module in s_modules) _levels.Add(module, [VlogLevel.Info, VlogLevel.Info, VlogLevel.Info]);
    }

    /// <summary>Writes to a file, too, behind what it has.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void OpenFile(string path)
    {
        lock (_lock)
        {
            _path = path;
            _file = Open(path);
        }

        Write("vlog", VlogLevel.Info, $"opened log file {path}");
    }

    /// <summary>Opens the file anew: somebody has moved it away (<c>vlog/reopen</c>).</summary>
    /// <exception cref="UnixctlException">There is none.</exception>
    public void Reopen()
    {
        lock (_lock)
        {
            if (_path is null) throw new UnixctlException("Logging to file not configured");
            _file?.Dispose();
            _file = Open(_path);
        }
    }

    /// <summary>Closes the file; it is opened anew by <see cref="Reopen"/>.</summary>
    public void CloseFile()
    {
        lock (_lock)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    /// <summary>Nothing is written to the console any more: nobody reads it.</summary>
    public void CloseConsole()
    {
        lock (_lock) _console = TextWriter.Null;
    }

    /// <summary>Writes a line.</summary>
    public void Write(string module, VlogLevel level, string text)
    {
        lock (_lock)
        {
            VlogLevel[] levels = LevelsOf(module);
            string line = string.Create(CultureInfo.InvariantCulture, $"{++_count:00000}|{module}|{level.ToString().ToUpperInvariant()}|{text.ReplaceLineEndings(" ")}");
            DateTime now = DateTime.UtcNow;
            if (level <= levels[0]) _console.WriteLine(now.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) + "|" + line);
            if (level <= levels[2]) _file?.WriteLine(now.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture) + "|" + line);
        }
    }

    private static readonly string[] s_facilities =
    [
        "auth", "authpriv", "clock", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ];

    /// <summary>Sets levels by words as <c>-v</c> and <c>vlog/set</c> take them: a module, a destination and a level in any order, each once at most; what is missing is all of them, or <c>dbg</c> (OVS <c>vlog_set_levels_from_string</c>).</summary>
    /// <returns>Null, or what is wrong; then nothing has changed.</returns>
    public string? Set(string words)
    {
        if (words.StartsWith("PATTERN:", StringComparison.OrdinalIgnoreCase))
        {
            // Lines look as they do whatever is said; but what is no destination is said to be none.
            string where = words["PATTERN:".Length..].Split(':')[0];
            return Array.IndexOf(s_destinations, where.ToLowerInvariant()) >= 0 ? null : $"unknown destination \"{where}\"";
        }

        if (words.StartsWith("FACILITY:", StringComparison.OrdinalIgnoreCase)) return s_facilities.Contains(words["FACILITY:".Length..]) ? null : "invalid facility";
        string? module = null;
        int? destination = null;
        VlogLevel? level = null;
        foreach (string word in words.Split([' ', ',', ':', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            string name = word.ToLowerInvariant().Replace('-', '_');
            if (name is "any") continue;
            if (Array.IndexOf(s_destinations, name) is >= 0 and int found)
            {
                if (destination is not null) return "cannot specify multiple destinations";
                destination = found;
            }
            else if (!char.IsAsciiDigit(name[0]) && Enum.TryParse(name, ignoreCase: true, out VlogLevel parsed))
            {
                if (level is not null) return "cannot specify multiple levels";
                level = parsed;
            }
            else if (!IsModule(name))
            {
                return $"no destination, level, or module \"{word}\"";
            }
            else
            {
                if (module is not null) return "cannot specify multiple modules";
                module = name;
            }
        }

        lock (_lock)
        {
            foreach ((string name, VlogLevel[] levels) in _levels)
            {
                if (module is not null && module != name) continue;
                for (int d = 0; d < levels.Length; d++)
                {
                    if (destination is null || destination == d) levels[d] = level ?? VlogLevel.Dbg;
                }
            }
        }

        LevelsChanged?.Invoke();
        return null;
    }

    /// <summary>Whether a line goes anywhere.</summary>
    public bool IsOn(string module, VlogLevel level)
    {
        lock (_lock) return LevelsOf(module) is var levels && (level <= levels[0] || level <= levels[2]);
    }

    /// <summary>Writes several lines as one: those behind the first have no head of their own, as in Open vSwitch.</summary>
    public void WriteLines(string module, VlogLevel level, string first, string rest)
    {
        lock (_lock)
        {
            Write(module, level, first);
            if (level <= LevelsOf(module)[2]) _file?.WriteLine(rest);
        }
    }

    /// <summary>The levels, as <c>vlog/list</c> prints them.</summary>
    public string List()
    {
        StringBuilder text = new("                 console    syslog    file\n                 -------    ------    ------\n");
        lock (_lock)
        {
            foreach ((string module, VlogLevel[] levels) in _levels)
                text.Append(CultureInfo.InvariantCulture, $"{module,-16}  {Name(levels[0]),4}       {Name(levels[1]),4}       {Name(levels[2]),4}\n");
        }

        return text.ToString();
    }

    /// <summary>Adds <c>vlog/*</c>.</summary>
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("vlog/list", "", 0, 0, _ => List());
        commands.Add("vlog/list-pattern", "", 0, 0, static _ => "         prefix                            format\n         ------                            ------\nCONSOLE  none                              %D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m\nFILE     none                              %D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m\n");
        commands.Add("vlog/set", "{spec | PATTERN:destination:pattern}", 0, int.MaxValue, words =>
        {
            foreach (string word in words)
            {
                if (Set(word) is { } wrong) throw new UnixctlException(wrong);
            }

            return "";
        });
        commands.Add("vlog/reopen", "", 0, 0, _ =>
        {
            Reopen();
            return "";
        });
        commands.Add("vlog/close", "", 0, 0, _ =>
        {
            CloseFile();
            return "";
        });
        commands.Add("vlog/enable-rate-limit", "[module]...", 0, int.MaxValue, LimitRate);
        commands.Add("vlog/disable-rate-limit", "[module]...", 0, int.MaxValue, LimitRate);
    }

    /// <inheritdoc/>
    public void Dispose() => CloseFile();

    /// <summary>Changes nothing; what is no module is said to be none.</summary>
    private string LimitRate(IReadOnlyList<string> words)
    {
        return words.All(w => w.Equals("any", StringComparison.OrdinalIgnoreCase) || IsModule(w.ToLowerInvariant().Replace('-', '_'))) ? "" : throw new UnixctlException("unknown module");
    }

    private bool IsModule(string name)
    {
        lock (_lock) return _levels.ContainsKey(name);
    }

    private static string Name(VlogLevel level) => level.ToString().ToUpperInvariant();

    private static StreamWriter Open(string path)
    {
        FileStream file = new(path, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead });
        return new StreamWriter(file) { AutoFlush = true };
    }

    private VlogLevel[] LevelsOf(string module)
    {
        if (!_levels.TryGetValue(module, out VlogLevel[]? levels)) _levels.Add(module, levels = [VlogLevel.Info, VlogLevel.Info, VlogLevel.Info]);
        return levels;
    }
}
