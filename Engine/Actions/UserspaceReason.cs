namespace Mergeflow.Engine.Actions;

/// <summary>Why a <see cref="DpOp.Userspace"/> action exists.</summary>
public enum UserspaceReason : byte
{
    Controller,
    Learn,
    Normal,
}
