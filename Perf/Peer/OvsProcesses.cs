using System.Diagnostics;
using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>
/// A private ovsdb-server and ovs-vswitchd with DPDK, in a folder of their own: one PMD thread on one processor, everything else on another.
/// Ends exactly what it started.
/// </summary>
internal sealed class OvsProcesses : IDisposable
{
    private const string Vswitchd = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";
    private const string Schema = "/usr/share/openvswitch/vswitch.ovsschema";
    private const int WantedPages = 1280;
    private const int EnoughPages = 1024;
    private const int StartMs = 30_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("mergeflow-ovs-").FullName;
    private readonly Dictionary<string, string> _environment;
    private readonly List<Process> _processes = [];
    private readonly HugePages _pages = new(WantedPages);

    /// <summary>Starts both and makes bridge <c>br0</c>.</summary>
    /// <param name="pmdCpu">Processor of the PMD thread.</param>
    /// <param name="mainCpu">Processor of everything else.</param>
    /// <exception cref="PerfException">They do not start.</exception>
    public OvsProcesses(int pmdCpu, int mainCpu)
    {
        _environment = new[] { "OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR" }.ToDictionary(name => name, _ => _folder);
        try
        {
            ExternalProgram.Run(_environment, "ovsdb-tool", "create", this["conf.db"], Schema);
            Start(mainCpu, "ovsdb-server", this["conf.db"], $"--remote=punix:{this["db.sock"]}", $"--unixctl={this["db.ctl"]}", $"--log-file={this["db.log"]}", "-vconsole:off");
            WaitFor(this["db.sock"]);
            Vsctl("--no-wait", "init");
            string memory = HugePages.Count >= EnoughPages ? "" : " --no-huge --iova-mode=va";
            Vsctl("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true", "other_config:dpdk-socket-mem=2048", $"other_config:dpdk-lcore-mask={Mask(mainCpu)}",
                $"other_config:pmd-cpu-mask={Mask(pmdCpu)}", $"other_config:dpdk-extra=\"--file-prefix=mergeflow --no-telemetry{memory}\"",
                "other_config:n-revalidator-threads=1", "other_config:n-handler-threads=1");
            Pid = Start(mainCpu, Vswitchd, $"unix:{this["db.sock"]}", $"--unixctl={this["vsw.ctl"]}", $"--log-file={this["vsw.log"]}", "-vconsole:off").Id;
            WaitFor(this["vsw.ctl"]);
            Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Process of the switch.</summary>
    public int Pid { get; }

    /// <summary>What must be installed and is not, or null.</summary>
    public static string? Missing()
    {
        if (!File.Exists(Vswitchd)) return "openvswitch-switch-dpdk";
        string[] folders = Directory.Exists("/usr/lib") ? [.. Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu")] : [];
        foreach (string device in new[] { "net-pcap", "net-null" })
        {
            string library = $"librte_{device.Replace('-', '_')}.so.*";
            if (!folders.Any(f => Directory.EnumerateFiles(f, library).Any())) return $"librte-{device}23";
        }

        return null;
    }

    /// <summary>A file in the private folder.</summary>
    public string this[string name] => Path.Combine(_folder, name);

    /// <summary><c>ovs-vsctl</c>.</summary>
    public string Vsctl(params string[] arguments) => ExternalProgram.Run(_environment, "ovs-vsctl", [$"--db=unix:{this["db.sock"]}", "--timeout=60", .. arguments]);

    /// <summary><c>ovs-appctl</c> to the switch.</summary>
    public string Appctl(params string[] arguments) => ExternalProgram.Run(_environment, "ovs-appctl", ["-t", this["vsw.ctl"], .. arguments]);

    /// <summary><c>ovs-ofctl</c> to the bridge.</summary>
    public string Ofctl(string command, params string[] arguments) => ExternalProgram.Run(_environment, "ovs-ofctl", [command, this["br0.mgmt"], .. arguments]);

    /// <summary>Sends a signal, e.g. <c>STOP</c>, to the switch.</summary>
    public void Signal(string name) => ExternalProgram.Run(_environment, "sh", "-c", string.Create(CultureInfo.InvariantCulture, $"kill -{name} {Pid}"));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Process process in Enumerable.Reverse(_processes))
        {
            const int patienceMs = 10_000;
            if (!process.HasExited)
            {
                foreach (string signal in new[] { "CONT", "TERM" }) ExternalProgram.Run(_environment, "sh", "-c", string.Create(CultureInfo.InvariantCulture, $"kill -{signal} {process.Id} 2>/dev/null || true"));
                if (!process.WaitForExit(patienceMs)) process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }

        _processes.Clear();
        _pages.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Mask(int cpu) => string.Create(CultureInfo.InvariantCulture, $"0x{1UL << cpu:x}");

    private Process Start(int cpu, string program, params string[] arguments)
    {
        // taskset becomes the program: same process.
        var start = new ProcessStartInfo("taskset", ["-c", cpu.ToString(CultureInfo.InvariantCulture), program, .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach ((string name, string value) in _environment) start.Environment[name] = value;
        Process process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes.Add(process);
        return process;
    }

    private void WaitFor(string socket)
    {
        var watch = Stopwatch.StartNew();
        while (!File.Exists(socket))
        {
            if (_processes[^1].HasExited || watch.ElapsedMilliseconds > StartMs) throw PerfException.Failed($"Open vSwitch does not start: {LastLogLine()}");
            Thread.Sleep(20);
        }
    }

    private string LastLogLine()
    {
        string log = File.Exists(this["vsw.log"]) ? this["vsw.log"] : this["db.log"];
        return File.Exists(log) ? File.ReadLines(log).LastOrDefault() ?? "no reason given" : "no reason given";
    }
}
