using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of the outer TCI.</summary>
public struct DpSetVlan
{
    public Be16 Tci;
    public Be16 TciMask;
}
