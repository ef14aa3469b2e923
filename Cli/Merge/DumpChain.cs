using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Text;

namespace Mergeflow.Cli;

/// <summary>What became of a packet that was followed through a dump.</summary>
/// <param name="Rule">The merged rule, or null.</param>
/// <param name="Refusal">Why there is none.</param>
/// <param name="Flows">Flows visited, pass by pass.</param>
/// <param name="Connections">Connections met.</param>
/// <param name="Notes">What the dump does not say and was assumed.</param>
public sealed record DumpChain(MergedFlow? Rule, MergeRefusal Refusal, IReadOnlyList<DpFlow> Flows, IReadOnlyList<DpConnection> Connections, IReadOnlyList<string> Notes);
