namespace Mergeflow.Engine.Conntrack;

/// <summary>Several packet threads, or one of several.</summary>
public readonly struct SharedSync : IConnSync;
