namespace Mergeflow.Perf;

/// <summary>What the help of each command shows: short runs of it.</summary>
internal static class PerfExamples
{
    private const string Short = "--seconds 0.1 --runs 3";

    public static IReadOnlyDictionary<string, string[]> ByCommand { get; } = new Dictionary<string, string[]>
    {
        [""] = [$"--scenario s1_uni,s4_udp_1k_uni {Short}", $"--pcap capture.pcap --flows flows.txt {Short}", $"--scenario s1_uni {Short} --baseline before.json --json now.json"],
        ["compare"] = ["compare before.json after.json --threshold 10"],
        ["ob-peer"] = ["OB_SCEN=s1_uni OB_PCAP=capture.pcap OB_FLOWS=flows.txt OB_SECS=1 ob-peer --offload soft"],
        ["ndr"] = [$"ndr --scenario s1_uni --trial 0.02 {Short}"],
        ["ramp"] = [$"ramp --scenario s4_udp_1k_uni --offload soft --length 0.2 {Short}"],
        ["sweep"] = [$"sweep --scenario s4_udp_1k_uni --offload soft --sizes 64,1024 {Short}"],
        ["churn"] = [$"churn --scenario s4_udp_1k_uni --offload soft --rate 0,100 --length 0.2 {Short}"],
        ["synth"] = [$"synth --connections 1000 --offload soft {Short}", $"synth --flow-count 1000,10000 --subtables 5 {Short}"],
        ["micro"] = ["micro KeyedHash"],
        ["hit-share"] = ["hit-share --packets 20000 --flows 1000", "hit-share --pcap capture.pcap"],
        ["offload-latency"] = ["offload-latency --rules 1000 --rounds 10"],
        ["control"] = ["control --megaflows 1000 --rules 5000 --flows 1000 --rate 100 --seconds 1 --orders 10 --pmd 1"],
        ["wake"] = ["wake --rounds 20 --pmd 1"],
        ["kernel"] = ["kernel --rules 1000 --rounds 10"],
        ["lines"] = ["lines --transfers 1000"],
        ["pauses"] = ["pauses --seconds 0.2"],
        ["report"] = ["report before.json after.json --html both.html"],
        ["readme-table"] = ["readme-table before.json"],
        ["peer-table"] = ["peer-table turns.tsv"],
        ["completion"] = ["completion bash --install", "completion zsh"],
        ["man"] = ["man --out man"],
    };
}
