namespace Mergeflow.Nic;


/// <summary>A queued request.</summary>
/// <param name="Operation">What to do.</param>
/// <param name="Handle">The rule.</param>
/// <param name="UserData">For the completion.</param>
/// <param name="Rule">Create: the compiled rule, null if it was not valid.</param>
/// <param name="Error">Create: why it was not valid.</param>
/// <param name="DueNs">When it takes effect.</param>
internal readonly record struct NicRequest(NicOperation Operation, NicHandle Handle, ulong UserData, CompiledRule? Rule, FlowError? Error, long DueNs);
