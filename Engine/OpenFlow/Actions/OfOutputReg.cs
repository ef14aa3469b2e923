using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>output:NXM_NX_REG0[..]</c>.</summary>
public sealed record OfOutputReg(Subfield Source) : OfAction;
