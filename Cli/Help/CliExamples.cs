namespace Mergeflow.Cli;

/// <summary>What the help of each command shows: commands that run where the source tree is, or with files of these names.</summary>
internal static class CliExamples
{
    private const string Case = "--case Tests/Data/cases/ct_firewall";
    private const string Capture = "--flows flows.txt --ports p1=1,p2=2 --in capture.pcap";

    public static IReadOnlyDictionary<string, string[]> ByCommand { get; } = new Dictionary<string, string[]>
    {
        [""] = [$"offload stats {Case} --offload soft", "completion bash --install"],
        ["switch"] = ["switch --port veth1=1 --port veth2=2", "switch --port veth1=1 --port veth2=2 --openflow br0.mgmt", "switch --port eth1=1 --port eth2=2,queues=2 --flows flows.txt --pmd-cpus 1,2"],
        ["vswitchd"] = ["vswitchd", "vswitchd unix:db.sock --pidfile --log-file -vconsole:off"],
        ["ports"] = ["ports", "ports --statistics --live /run/mergeflow/mergeflow.sock"],
        ["dump-macs"] = ["dump-macs"],
        ["dump-program"] = ["dump-program"],
        ["add-flows"] = ["add-flows flows.txt"],
        ["del-flows"] = ["del-flows", "del-flows tcp,tp_dst=80"],
        ["add-groups"] = ["add-groups flows.txt"],
        ["add-meters"] = ["add-meters flows.txt"],
        ["mod-port"] = ["mod-port veth1 down"],
        ["top"] = ["top", "top --interval 5 --count 12"],
        ["tcpdump"] = ["tcpdump veth1", "tcpdump all --count 100 --out frames.pcap"],
        ["record"] = ["record --seconds 10 --out case", "record --out case --live /run/mergeflow/mergeflow.sock"],
        ["flush-conntrack"] = ["flush-conntrack", "flush-conntrack 10"],
        ["replay"] = [$"replay {Case} --offload soft --out out.jsonl", $"replay {Capture} --out - --pcap-out ports", $"replay {Case} --offload nic --profile tiny --out out.jsonl.gz"],
        ["extract"] = ["extract --in capture.pcap"],
        ["dump-flows"] = [$"dump-flows {Case}", $"dump-flows {Capture}", "dump-flows --live"],
        ["dump-groups"] = ["dump-groups --case Tests/Data/cases/groups"],
        ["dump-meters"] = ["dump-meters --case Tests/Data/cases/meters"],
        ["meter-stats"] = ["meter-stats --case Tests/Data/cases/meters"],
        ["dump-dp-flows"] = [$"dump-dp-flows {Case} --offload soft -m", $"dump-dp-flows {Capture} --json"],
        ["dump-conntrack"] = [$"dump-conntrack {Case} --until 100"],
        ["pmd-perf-show"] = [$"pmd-perf-show {Case}", $"pmd-perf-show {Case} --pmds 2 --metrics 9464"],
        ["trace"] = [$"trace {Case} --event 7", "trace --live --flow in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80 --ct-next trk,est"],
        ["offload"] = [$"offload stats {Case} --offload soft", $"offload why {Case} --offload nic"],
        ["offload show"] = [$"offload show {Case} --offload soft --dead", $"offload show {Case} --offload nic --as tc"],
        ["offload stats"] = [$"offload stats {Case} --offload soft", $"offload stats {Capture} --offload nic --profile no-nat"],
        ["offload why"] = [$"offload why {Case} --offload soft", $"offload why CtNotEstablished --top 3 {Case} --offload soft"],
        ["offload explain"] = [$"offload explain --flow tcp,tp_dst=443 {Case} --offload soft"],
        ["offload audit"] = [$"offload audit {Case} --offload nic", "offload audit --live"],
        ["whatif"] = [$"whatif {Capture}", $"whatif --profiles ideal,tiny --admissions always {Case}"],
        ["merge"] = ["merge --flows Tests/Data/dumps/gateway-flows.txt --conntrack Tests/Data/dumps/gateway-conntrack.txt --packet in_port=vm1,tcp,nw_src=192.0.2.10,nw_dst=198.51.100.24,tp_src=2391,tp_dst=80"],
        ["completion"] = ["completion bash --install", "completion zsh"],
        ["man"] = ["man --out man"],
    };
}
